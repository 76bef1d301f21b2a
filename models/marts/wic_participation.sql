with

enrolments as (

    select * from {{ ref('psn_wic') }}

),

periods as (

    select
        person_key,
        race_group,
        enrolment_year - enrolment_year % 10 as decade,
        case
            when age < 1 then 'infant'
            when age < 6 then 'child'
            else 'mother'
        end as participant
    from enrolments

),

cells as (

    select
        decade,
        participant,
        race_group,
        {{ veil.suppress_small('count(distinct person_key)') }} as people_count
    from periods
    group by decade, participant, race_group

)

select * from cells
