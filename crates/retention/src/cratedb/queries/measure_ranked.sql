SELECT count(*), min(ostler_moment), max(ostler_moment) FROM ({ranked}) AS ranked_rows
