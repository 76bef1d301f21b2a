{{ veil.pseudonymize(ref('raw_wic'), hierarchies=[ref('hierarchy_race')]) }}
