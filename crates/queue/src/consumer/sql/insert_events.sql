select count(pgq.insert_event($1, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4))
  from (select *
          from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) with ordinality
            as sent (ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4, place)
         order by place) as sent;
