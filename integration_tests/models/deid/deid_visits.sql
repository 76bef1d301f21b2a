{{ veil.pseudonymize(ref('stg_visits'), hierarchies=[ref('diagnosis_groups')]) }}
