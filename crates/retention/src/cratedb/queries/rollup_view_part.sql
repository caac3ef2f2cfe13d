SELECT {columns}, {every} AS "every", {level} AS "level" FROM {source}
