-- ARGV: IDs. Answers how many of these jobs were missing where they belong.

local mended = 0
for _, id in ipairs(ARGV) do
  if mend(id) then mended = mended + 1 end
end
return mended
