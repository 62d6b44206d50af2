-- Makes a file at the first answer; at the end prints what was answered and what was lost.
local answered = os.getenv("ANSWERED")

function response()
    if answered then
        io.open(answered, "w"):close()
        answered = nil
    end
end

function done(summary)
    local lost = summary.errors
    local form = '{"asked": %d, "status": %d, "connect": %d, "read": %d, "write": %d, "timeout": %d}'
    print(form:format(summary.requests, lost.status, lost.connect, lost.read, lost.write, lost.timeout))
end
