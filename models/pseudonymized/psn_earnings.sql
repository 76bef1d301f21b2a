{{ veil.pseudonymize(ref('raw_w2')) }}
