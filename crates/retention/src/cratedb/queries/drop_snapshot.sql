DROP SNAPSHOT {repository}.{snapshot}
