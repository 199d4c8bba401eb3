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
        var body = call.Body(WireJson.Default.DeviceCodeRequest, whenEmpty: new());
        var rules = new Rules();
        rules.Text("client_id", body.ClientId, LongestClientId);
        rules.ThrowIfAny();

        var login = new FakeDeviceLogIn(string.IsNullOrWhiteSpace(body.ClientId) ? null : body.ClientId.Trim(), call.Now);
        call.Server.DeviceLogIns.Add(login);
        var page = $"{call.Server.PublicUrl}/device";
        return FakeAnswer.Json(
            new(login.DeviceCode, login.UserCode, page, $"{page}?user_code={login.UserCode}", (int)FakeDeviceLogIn.Lifetime.TotalSeconds, FakeDeviceLogIn.FirstInterval),
            WireJson.Default.DeviceCodeResponse);
    }

    public static FakeAnswer Exchange(Call call)
    {
        var body = call.Body(WireJson.Default.DeviceTokenRequest);
        var rules = new Rules();
        rules.Text("device_code", body.DeviceCode, LongestDeviceCode, required: true);
        rules.ThrowIfAny();

        var login = call.Server.DeviceLogIns.Find(login => login.DeviceCode == body.DeviceCode);
        if (login is null || login.IsRedeemed)
            throw Refused(ProblemCodes.InvalidGrant, "This device code is unknown, or was redeemed before. Start again with POST /auth/device/code.");
        if (login.IsDenied)
            throw Refused(ProblemCodes.AccessDenied, "The login was denied.");
        if (login.ExpiresAt <= call.Now)
            throw Refused(ProblemCodes.ExpiredToken, "Nobody approved this login in time. Start again with POST /auth/device/code.");
        if (login.ApprovedBy is not { } account)
        {
            throw login.IsPolledTooSoon(call.Now)
                ? Refused(ProblemCodes.SlowDown, "Polled too soon. Wait 5 seconds longer between polls from now on.")
                : Refused(ProblemCodes.AuthorizationPending, "Nobody has approved this login yet. Poll again after the interval.");
        }

        login.IsRedeemed = true;
        var key = new FakeKey(login.ClientId ?? "Device", Scopes.Default, call.Now);
        account.Books.Keys.Add(key);
        call.Audit("key.created", key.Prefix, "owner", account);
        return FakeAnswer.Json(new(key.Secret, account.Books.User), WireJson.Default.DeviceTokenResponse);
    }

    private static ProblemException Refused(string error, string detail) => new(Problems.Create(400, error, detail) with { Error = error });
}
