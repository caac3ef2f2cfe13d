UPDATE {schema}."rollup_level" SET "operation" = ?, "reached" = {to}, "watermark" = greatest(coalesce("watermark", {to}), {to})
 WHERE "rollup" = ? AND "level" = ?
