using System.Globalization;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Http;
using PyResolve.Server.Keys;

namespace PyResolve.Server;

internal static class RateLimits
{
    public static TimeSpan? TakePermit(HttpContext http, Caller caller, RequestLimiters limiters)
    {
        if (caller is not { ApiKeyId: { } keyId, RequestsPerMinute: { } limit })
            return null;
        var permit = limiters.Take(keyId, limit);
        // Keys made by a limited key would multiply its limit otherwise.
        if (caller.SharedLimit is { } shared && permit.IsAllowed)
            permit = RequestPermit.Tighter(permit, limiters.Take(shared.KeyId, shared.RequestsPerMinute));
        var headers = http.Response.Headers;
        headers["RateLimit-Limit"] = permit.Limit.ToString(CultureInfo.InvariantCulture);
        headers["RateLimit-Remaining"] = permit.Remaining.ToString(CultureInfo.InvariantCulture);
        headers["RateLimit-Reset"] = Math.Ceiling(permit.ResetsIn.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        return permit.IsAllowed ? null : permit.ResetsIn;
    }

    public static ProblemResult Problem(string detail, TimeSpan wait) => new(Problems.Create(429, ProblemCodes.RateLimited, detail), wait);
}
