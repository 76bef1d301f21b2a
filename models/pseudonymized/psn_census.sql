{{ veil.pseudonymize(
    ref('raw_census'), hierarchies=[ref('hierarchy_race'), ref('hierarchy_relationship')]
) }}
