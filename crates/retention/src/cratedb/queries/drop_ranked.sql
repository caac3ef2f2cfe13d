DELETE FROM {table} WHERE _id = ANY (ARRAY(SELECT ostler_row FROM ({ranked}) AS ranked_rows {limit}))
