{{ veil.pseudonymize(ref('raw_visits'), hierarchies=[ref('hierarchy_treatment')]) }}
