{{ veil.pseudonymize(ref('raw_social_security')) }}
