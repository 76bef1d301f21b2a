-- mechanism: laundered_by_model
-- rule: personal_rows
-- column: amount
-- path: psn_orders.amount -> int_people_orders.amount -> amount
select order_year, amount from {{ ref('int_people_orders') }}
