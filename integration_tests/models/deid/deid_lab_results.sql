{{ veil.pseudonymize(ref('stg_lab_results')) }}
