-- ARGV: kind, for how long (0: resume), reason.

pause(kind(ARGV[1]), tonumber(ARGV[2]), ARGV[3])
