SELECT count(*), sum(_seq_no), sum(_primary_term), count({column}) FROM {table} WHERE {condition}
