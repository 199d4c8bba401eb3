using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Http;

namespace PyResolve.Server.Devices;

/// <summary>What a typed code led to: a device's request, or why not.</summary>
internal sealed record DeviceLookUp(DeviceRequest? Request, Problem? Refusal = null, TimeSpan? RetryAfter = null);

/// <summary>
/// Finds a device's request by its user code, for a person who is signed in. A wrong code counts against the account and the address,
/// which bounds guessing (RFC 8628, 5.1): of 2.56e10 codes, an account may try ten in a quarter of an hour.
/// </summary>
internal sealed class DeviceApprovals(DeviceCodes codes, DeviceThrottle throttle)
{
    private const int WrongCodesPerAccount = 10;
    private const int WrongCodesPerAddress = 50;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(15);

    public async Task<DeviceLookUp> FindAsync(string typed, Caller caller, HttpContext http)
    {
        if (UserCode.Parse(typed) is not { } userCode)
            return Refused(422, ProblemCodes.Invalid, $"That is not a code. A code has {UserCode.Length} letters, such as BCDF-GHJK.");

        var counted = await throttle.CountAsync(
            [
                new Allowance("device_guess_account", caller.UserId.ToString("D"), WrongCodesPerAccount, Window),
                new Allowance("device_guess_address", Allowance.Of(http.Connection.RemoteIpAddress), WrongCodesPerAddress, Window),
            ],
            http.RequestAborted);
        if (counted.RetryAfter is { } wait)
        {
            var minutes = Math.Ceiling(wait.TotalMinutes);
            return Refused(429, ProblemCodes.RateLimited, $"Too many wrong codes. Wait {(minutes <= 1 ? "a minute" : $"{minutes} minutes")}, then try again.", wait);
        }

        var request = await codes.FindAsync(userCode, http.RequestAborted);
        if (request is null || (request.DecidedBy is { } somebody && somebody != caller.UserId))
            return Refused(404, ProblemCodes.NotFound, "No device is waiting with this code. Compare it with what your device shows.");

        await throttle.WithdrawAsync(counted.Ids, http.RequestAborted);
        return new DeviceLookUp(request);
    }

    private static DeviceLookUp Refused(int status, string code, string detail, TimeSpan? retryAfter = null) =>
        new(null, Problems.Create(status, code, detail), retryAfter);
}
