using PyResolve.Client.Wire;
using PyResolve.Testing.Http;
using PyResolve.Testing.State;

namespace PyResolve.Testing.Contract;

internal static class DeviceRoutes
{
    private const int LongestClientId = 100;
    private const int LongestDeviceCode = 200;

    public static FakeAnswer Begin(Call call)
    {
        var body = call.Body<DeviceCodeRequest>(whenEmpty: new());
        var rules = new FieldErrors();
        rules.Label("client_id", body.ClientId, LongestClientId);
        string[] asked = (body.Scope ?? "").Split([' '], StringSplitOptions.RemoveEmptyEntries);
        if (asked.Except(Scopes.DeviceAllowed).Any())
            rules.Add("scope", ProblemTexts.NotDeviceScopes(Scopes.DeviceAllowed));
        rules.ThrowIfAny();

        var scopes = asked.Length == 0 ? Scopes.DeviceDefault : [.. Scopes.DeviceAllowed.Where(asked.Contains)];
        var login = new FakeDeviceLogin(string.IsNullOrWhiteSpace(body.ClientId) ? null : body.ClientId.Trim(), scopes, call.Now);
        call.Server.DeviceLogins.Add(login);
        var page = $"{call.Server.PublicUrl}/device";
        var lifetime = (int)FakeDeviceLogin.Lifetime.TotalSeconds;
        return FakeAnswer.Json(
            new(login.DeviceCode, login.UserCode, page, $"{page}?user_code={login.UserCode}", lifetime, FakeDeviceLogin.FirstInterval),
            WireJson.Default.DeviceCodeResponse);
    }

    public static FakeAnswer Exchange(Call call)
    {
        var body = call.Body<DeviceTokenRequest>();
        var rules = new FieldErrors();
        rules.Text("device_code", body.DeviceCode, LongestDeviceCode, required: true);
        rules.ThrowIfAny();

        var login = call.Server.DeviceLogins.Find(login => login.DeviceCode == body.DeviceCode);
        if (login is null || login.IsRedeemed)
            throw DeviceProblem(ProblemCodes.InvalidGrant, ProblemTexts.DeviceCodeUnknown);
        if (login.IsDenied)
            throw DeviceProblem(ProblemCodes.AccessDenied, ProblemTexts.DeviceLoginDenied);
        if (login.ExpiresAt <= call.Now)
            throw DeviceProblem(ProblemCodes.ExpiredToken, ProblemTexts.DeviceLoginExpired);
        if (login.ApprovedBy is not { } account)
        {
            throw login.IsPolledTooSoon(call.Now)
                ? DeviceProblem(ProblemCodes.SlowDown, ProblemTexts.PolledTooSoon)
                : DeviceProblem(ProblemCodes.AuthorizationPending, ProblemTexts.DeviceLoginPending);
        }

        login.IsRedeemed = true;
        var key = new FakeKey(login.ClientId ?? "Device", login.Scopes, call.Now);
        account.Keys.Add(key);
        call.Audit("key.created", key.Prefix, "owner", account);
        return FakeAnswer.Json(new(key.Secret, account.User), WireJson.Default.DeviceTokenResponse);
    }

    private static ProblemException DeviceProblem(string error, string detail) =>
        new(Problems.Create(400, error, detail) with { Error = error });
}
