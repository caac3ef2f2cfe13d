 AND ({column} > ? OR ({column} = ? AND _id || '' > ?))
