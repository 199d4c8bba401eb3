using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Devices;

/// <summary>What a typed code led to: a device's request, or why not.</summary>
internal sealed record DeviceLookUp(DeviceRequest? Request, ProblemResult? Problem = null);

/// <summary>
/// Finds a device's request by its user code, for a person who is signed in. A wrong code counts against the account and the address,
/// a right one against nobody.
/// </summary>
internal sealed class DeviceApprovals(Database database, DeviceCodes codes, Throttle throttle, ThrottleRules rules)
{
    private static readonly ProblemResult NoCode = Refused(
        422, ProblemCodes.Invalid, $"That is not a code. A code has {UserCode.Length} letters, such as BCDF-GHJK.");

    private static readonly ProblemResult NotFound = Refused(
        404, ProblemCodes.NotFound, "No device is waiting with this code. Compare it with what your device shows.");

    public async Task<DeviceLookUp> FindAsync(string typed, Caller caller, string? address, CancellationToken cancellationToken)
    {
        if (UserCode.Parse(typed) is not { } userCode)
            return new DeviceLookUp(null, NoCode);
        var guess = await throttle.RecordAsync(rules.UserCode(caller.UserId, address), cancellationToken);
        if (guess.RetryAfter is { } wait)
            return new DeviceLookUp(null, TooMany(wait));

        var request = await codes.FindAsync(userCode, cancellationToken);
        if (request is null || (request.DecidedBy is { } somebody && somebody != caller.UserId))
            return new DeviceLookUp(null, NotFound);
        await database.WriteAsync(session => Throttle.WithdrawAsync(session, guess, cancellationToken), cancellationToken);
        return new DeviceLookUp(request);
    }

    private static ProblemResult TooMany(TimeSpan wait)
    {
        var minutes = Math.Ceiling(wait.TotalMinutes);
        var howLong = minutes <= 1 ? "a minute" : $"{minutes} minutes";
        return Refused(429, ProblemCodes.RateLimited, $"Too many wrong codes. Wait {howLong}, then try again.", wait);
    }

    private static ProblemResult Refused(int status, string code, string detail, TimeSpan? retryAfter = null) =>
        new(Problems.Create(status, code, detail), retryAfter);
}
