{{ veil.pseudonymize(ref('stg_patients')) }}
