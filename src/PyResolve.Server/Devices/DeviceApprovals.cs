using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Devices;

/// <summary>Looks up the code that a person typed. Wrong codes are throttled by account and by address; right ones do not count.</summary>
internal sealed class DeviceApprovals(Database database, DeviceCodes codes, Throttle throttle)
{
    private static readonly ProblemResult NoCode = new(Problems.Create(
        422, ProblemCodes.Invalid, $"That is not a code. A code has {UserCode.Length} letters, such as BCDF-GHJK."));

    private static readonly ProblemResult NotFound = new(Problems.NotFound(
        "No device is waiting with this code. Compare it with what your device shows."));

    public async Task<Outcome<DeviceRequest>> FindAsync(string typed, Caller caller, string? address, CancellationToken cancellationToken)
    {
        if (UserCode.Parse(typed) is not { } userCode)
            return NoCode;
        var attempt = await throttle.RecordAsync(throttle.Rules.UserCode(caller.UserId, address), cancellationToken);
        if (attempt.RetryAfter is { } wait)
            return TooMany(wait);

        var request = await codes.FindAsync(userCode, cancellationToken);
        if (request is null || (request.DecidedBy is { } userId && userId != caller.UserId))
            return NotFound;
        await database.WriteAsync(session => Throttle.WithdrawAsync(session, attempt, cancellationToken), cancellationToken);
        return request;
    }

    private static ProblemResult TooMany(TimeSpan wait)
    {
        var minutes = Math.Ceiling(wait.TotalMinutes);
        var duration = minutes <= 1 ? "a minute" : $"{minutes} minutes";
        return new(Problems.Create(429, ProblemCodes.RateLimited, $"Too many wrong codes. Wait {duration}, then try again."), wait);
    }
}
