WITH judged AS (
  SELECT
    *,
    CASE
      WHEN person_known IS NULL
      THEN -1
      WHEN person_erased IS NULL
      THEN -2
      WHEN point_active IS NULL
      THEN -3
      WHEN point_confirmed IS NULL
      THEN -4
      WHEN point_bounced IS NULL
      THEN -5
      WHEN point_suppressed IS NULL
      THEN -6
      WHEN objected IS NULL
      THEN -7
      WHEN consent_state IS NULL
      OR NOT consent_state IN (
        'never_asked',
        'pending',
        'given',
        'refused',
        'withdrawn',
        'expired',
        'unverified'
      )
      THEN -8
      WHEN basis IS NULL OR NOT basis IN ('consent', 'contract', 'legal_duty')
      THEN -9
      WHEN stated_age IS NULL
      THEN -10
      WHEN minimum_age IS NULL
      THEN -11
      WHEN law_allows IS NULL
      THEN -12
      WHEN attributes_shared IS NULL
      THEN -13
      WHEN attributes_known IS NULL
      THEN -14
      WHEN topics_named IS NULL
      THEN -15
      WHEN topic_lowest IS NULL
      THEN -16
      WHEN topic_score IS NULL
      THEN -17
      WHEN in_audience IS NULL
      THEN -18
      WHEN message_attempts IS NULL
      THEN -19
      WHEN occasion_attempts IS NULL
      THEN -20
      WHEN occasion_limit IS NULL
      THEN -21
      WHEN message_open IS NULL
      THEN -22
      WHEN message_closes IS NULL
      THEN -23
      WHEN pause_active IS NULL
      THEN -24
      WHEN pause_until IS NULL
      THEN -25
      WHEN cap_7_used IS NULL
      THEN -26
      WHEN cap_7_most IS NULL
      THEN -27
      WHEN cap_30_used IS NULL
      THEN -28
      WHEN cap_30_most IS NULL
      THEN -29
      WHEN cap_free_at IS NULL
      THEN -30
      WHEN zone_offset IS NULL
      THEN -31
      WHEN minute_of_day IS NULL
      THEN -32
      WHEN quiet_from IS NULL
      THEN -33
      WHEN quiet_until IS NULL
      THEN -34
      WHEN quiet_ends_at IS NULL
      THEN -35
      WHEN attributes_known
      AND (
        "channel" IS NULL
        OR "joined" IS NULL
        OR "newbie" IS NULL
        OR "recency" IS NULL
        OR "zip-code" IS NULL
      )
      THEN -36
      WHEN (
        NOT person_known
      )
      THEN 1
      WHEN (
        person_erased
      )
      THEN 2
      WHEN (
        point_suppressed
      )
      THEN 3
      WHEN (
        NOT point_active
        OR point_bounced
        OR (
          basis = 'consent' AND NOT point_confirmed
        )
      )
      THEN 4
      WHEN basis IN ('consent') AND (
        objected
      )
      THEN 5
      WHEN basis IN ('consent') AND (
        consent_state = 'never_asked'
      )
      THEN 6
      WHEN basis IN ('consent') AND (
        consent_state = 'pending'
      )
      THEN 7
      WHEN basis IN ('consent') AND (
        consent_state = 'refused'
      )
      THEN 8
      WHEN basis IN ('consent') AND (
        consent_state = 'withdrawn'
      )
      THEN 9
      WHEN basis IN ('consent') AND (
        consent_state = 'expired'
      )
      THEN 10
      WHEN basis IN ('consent') AND (
        consent_state = 'unverified'
      )
      THEN 11
      WHEN basis IN ('consent') AND (
        stated_age < minimum_age
      )
      THEN 12
      WHEN (
        NOT law_allows
      )
      THEN 13
      WHEN (
        NOT attributes_shared OR NOT attributes_known
      )
      THEN 14
      WHEN basis IN ('consent') AND (
        topics_named AND topic_lowest < 0
      )
      THEN 15
      WHEN basis IN ('consent') AND (
        topics_named AND topic_score <= 0
      )
      THEN 16
      WHEN (
        NOT in_audience
      )
      THEN 17
      WHEN (
        message_attempts > 0
      )
      THEN 18
      WHEN (
        occasion_attempts >= occasion_limit
      )
      THEN 19
      WHEN (
        NOT message_open
      )
      THEN 20
      WHEN basis IN ('consent') AND (
        recency > 6 AND NOT newbie
      )
      THEN 21
      WHEN basis IN ('consent') AND (
        channel IN ('Web', 'it\'s') AND stated_age < 21
      )
      THEN 22
      WHEN basis IN ('consent') AND (
        joined >= '2024-01-01' OR "zip-code" <> 'Rural'
      )
      THEN 23
      WHEN basis IN ('consent') AND (
        pause_active
      )
      THEN 24
      WHEN basis IN ('consent')
      AND (
        cap_7_used >= cap_7_most OR cap_30_used >= cap_30_most
      )
      THEN 25
      WHEN basis IN ('consent')
      AND (
        (
          quiet_from < quiet_until
          AND minute_of_day >= quiet_from
          AND minute_of_day < quiet_until
        )
        OR (
          quiet_from > quiet_until
          AND (
            minute_of_day >= quiet_from OR minute_of_day < quiet_until
          )
        )
      )
      THEN 26
      ELSE 0
    END AS matched
  FROM facts
), timed AS (
  SELECT
    *,
    CASE
      WHEN matched = 24 AND 0 < pause_until AND pause_until < message_closes
      THEN pause_until
      WHEN matched = 25 AND 0 < cap_free_at AND cap_free_at < message_closes
      THEN cap_free_at
      WHEN matched = 26 AND 0 < quiet_ends_at AND quiet_ends_at < message_closes
      THEN quiet_ends_at
      ELSE 0
    END AS wait_until
  FROM judged
)
SELECT
  id,
  CASE WHEN matched = 0 THEN 'deliver' WHEN wait_until > 0 THEN 'wait' ELSE 'refuse' END AS verdict,
  CASE matched
    WHEN -1
    THEN 'facts_incomplete:person_known'
    WHEN -2
    THEN 'facts_incomplete:person_erased'
    WHEN -3
    THEN 'facts_incomplete:point_active'
    WHEN -4
    THEN 'facts_incomplete:point_confirmed'
    WHEN -5
    THEN 'facts_incomplete:point_bounced'
    WHEN -6
    THEN 'facts_incomplete:point_suppressed'
    WHEN -7
    THEN 'facts_incomplete:objected'
    WHEN -8
    THEN 'facts_incomplete:consent_state'
    WHEN -9
    THEN 'facts_incomplete:basis'
    WHEN -10
    THEN 'facts_incomplete:stated_age'
    WHEN -11
    THEN 'facts_incomplete:minimum_age'
    WHEN -12
    THEN 'facts_incomplete:law_allows'
    WHEN -13
    THEN 'facts_incomplete:attributes_shared'
    WHEN -14
    THEN 'facts_incomplete:attributes_known'
    WHEN -15
    THEN 'facts_incomplete:topics_named'
    WHEN -16
    THEN 'facts_incomplete:topic_lowest'
    WHEN -17
    THEN 'facts_incomplete:topic_score'
    WHEN -18
    THEN 'facts_incomplete:in_audience'
    WHEN -19
    THEN 'facts_incomplete:message_attempts'
    WHEN -20
    THEN 'facts_incomplete:occasion_attempts'
    WHEN -21
    THEN 'facts_incomplete:occasion_limit'
    WHEN -22
    THEN 'facts_incomplete:message_open'
    WHEN -23
    THEN 'facts_incomplete:message_closes'
    WHEN -24
    THEN 'facts_incomplete:pause_active'
    WHEN -25
    THEN 'facts_incomplete:pause_until'
    WHEN -26
    THEN 'facts_incomplete:cap_7_used'
    WHEN -27
    THEN 'facts_incomplete:cap_7_most'
    WHEN -28
    THEN 'facts_incomplete:cap_30_used'
    WHEN -29
    THEN 'facts_incomplete:cap_30_most'
    WHEN -30
    THEN 'facts_incomplete:cap_free_at'
    WHEN -31
    THEN 'facts_incomplete:zone_offset'
    WHEN -32
    THEN 'facts_incomplete:minute_of_day'
    WHEN -33
    THEN 'facts_incomplete:quiet_from'
    WHEN -34
    THEN 'facts_incomplete:quiet_until'
    WHEN -35
    THEN 'facts_incomplete:quiet_ends_at'
    WHEN -36
    THEN 'facts_incomplete:attributes_known'
    WHEN 1
    THEN 'unknown_person'
    WHEN 2
    THEN 'erased'
    WHEN 3
    THEN 'suppressed'
    WHEN 4
    THEN 'unreachable'
    WHEN 5
    THEN 'objected'
    WHEN 6
    THEN 'never_asked'
    WHEN 7
    THEN 'pending'
    WHEN 8
    THEN 'refused'
    WHEN 9
    THEN 'withdrawn'
    WHEN 10
    THEN 'expired'
    WHEN 11
    THEN 'unverified'
    WHEN 12
    THEN 'too_young'
    WHEN 13
    THEN 'law_forbids'
    WHEN 14
    THEN 'attribute_not_shared'
    WHEN 15
    THEN 'topic_refused'
    WHEN 16
    THEN 'not_relevant'
    WHEN 17
    THEN 'outside_audience'
    WHEN 18
    THEN 'sent_this_message'
    WHEN 19
    THEN 'sent_in_occasion'
    WHEN 20
    THEN 'message_closed'
    WHEN 21
    THEN 'brand:large'
    WHEN 22
    THEN 'brand:web'
    WHEN 23
    THEN 'brand:new'
    WHEN 24
    THEN 'paused'
    WHEN 25
    THEN 'cap_reached'
    WHEN 26
    THEN 'quiet_time'
    ELSE ''
  END AS reason,
  wait_until AS until
FROM timed
