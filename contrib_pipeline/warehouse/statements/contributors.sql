-- name: flag_bots
-- What accounts are by their kind and login; those that are so already are not written.
update github.contributors set is_bot = not is_bot
where is_bot is distinct from (kind = 'bot' or lower(login) ~ %(pattern)s)
