using System.Net.Mime;
using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Client.Wire;
using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Keys;

namespace PyResolve.Server.Devices;

/// <summary>The routes that a device calls (RFC 8628), with JSON or, for OAuth libraries, with forms.</summary>
internal static class DeviceEndpoints
{
    private const string GrantType = "urn:ietf:params:oauth:grant-type:device_code";
    private const int MaxClientIdLength = 100;
    private const int MaxDeviceCodeLength = 200;

    public static void MapDeviceLogin(this IEndpointRouteBuilder routes)
    {
        var device = routes.MapGroup("/auth/device").WithTags("Device login");
        device.MapPost("/code", Begin)
            .Accepts<DeviceCodeRequest>(isOptional: true, MediaTypeNames.Application.Json, MediaTypeNames.Application.FormUrlEncoded);
        device.MapPost("/token", Exchange)
            .Accepts<DeviceTokenRequest>(MediaTypeNames.Application.Json, MediaTypeNames.Application.FormUrlEncoded);
        routes.MapDevicePages();
    }

    private static async Task<Results<JsonAnswer<DeviceCodeResponse>, ProblemResult>> Begin(
        HttpContext http, DeviceCodes codes, Throttle throttle)
    {
        var isForm = FormBody.IsForm(http);
        var body = isForm
            ? ReadRequest(await FormBody.ReadAsync(http))
            : await JsonBody.ReadAsync(http, WireJson.Default.DeviceCodeRequest, whenEmpty: new());
        var errors = new FieldErrors();
        errors.Label("client_id", body.ClientId, MaxClientIdLength);
        errors.Text("scope", body.Scope, DeviceScopes.MaxLength);
        if (!DeviceScopes.TryRead(body.Scope, out var scopes))
        {
            // A form is of an OAuth library, which knows this error, and no 422.
            if (isForm)
                return new ProblemResult(OAuthProblem(ProblemCodes.InvalidScope, $"scope {DeviceScopes.Unknown}"));
            errors.Add("scope", DeviceScopes.Unknown);
        }

        errors.ThrowIfAny();

        var address = Origin.AddressOf(http);
        if ((await throttle.RecordAsync(throttle.Rules.DeviceCode(address), http.RequestAborted)).RetryAfter is { } wait)
            return AccountProblems.TooMany("device logins from this address", wait);

        var clientId = string.IsNullOrWhiteSpace(body.ClientId) ? null : body.ClientId.Trim();
        var begun = await codes.BeginAsync(clientId, scopes!, address, http.RequestAborted);
        http.Response.Headers.CacheControl = "no-store";
        return Answers.Ok(begun);
    }

    private static async Task<Results<JsonAnswer<DeviceTokenResponse>, ProblemResult>> Exchange(HttpContext http, DeviceExchange exchange)
    {
        var isForm = FormBody.IsForm(http);
        var deviceCode = isForm
            ? await ReadFormAsync(http)
            : (await JsonBody.ReadAsync(http, WireJson.Default.DeviceTokenRequest)).DeviceCode;
        var errors = new FieldErrors();
        errors.Text("device_code", deviceCode, MaxDeviceCodeLength, required: true);
        errors.ThrowIfAny();

        var outcome = await exchange.PollAsync(deviceCode!, Origin.OfOwner(http), http.RequestAborted);
        if (outcome.Redeemed is not { } redeemed)
            return new ProblemResult(OAuthProblem(outcome.Error!, outcome.Detail ?? DetailOf(outcome.Error!)));
        http.Response.Headers.CacheControl = "no-store";
        return Answers.Ok(isForm
            ? redeemed with { AccessToken = redeemed.ApiKey, TokenType = "Bearer", Scope = ScopeSets.Format(outcome.Scopes) }
            : redeemed);
    }

    private static DeviceCodeRequest ReadRequest(IFormCollection form) =>
        new() { ClientId = form.Field("client_id"), Scope = form.Field("scope") };

    /// <summary>
    /// Reads the form of a device. Its problems are 400 with <c>error</c>, which OAuth libraries read; they do not know 422.
    /// </summary>
    private static async Task<string> ReadFormAsync(HttpContext http)
    {
        var form = await FormBody.ReadAsync(http);
        if (form.Field("grant_type") is { } grantType && grantType != GrantType)
            throw new ProblemException(OAuthProblem(ProblemCodes.UnsupportedGrantType, $"grant_type must be {GrantType}."));
        return form.Field("device_code") is { Length: <= MaxDeviceCodeLength } deviceCode && FieldErrors.IsPlainText(deviceCode)
            ? deviceCode
            : throw new ProblemException(
                Problems.Malformed("The form needs the field device_code, as POST /auth/device/code gave it.")
                with { Error = "invalid_request" });
    }

    private static string DetailOf(string error) => error switch
    {
        ProblemCodes.AuthorizationPending => ProblemTexts.DeviceLoginPending,
        ProblemCodes.SlowDown => ProblemTexts.PolledTooSoon,
        ProblemCodes.AccessDenied => ProblemTexts.DeviceLoginDenied,
        ProblemCodes.ExpiredToken => ProblemTexts.DeviceLoginExpired,
        _ => ProblemTexts.DeviceCodeUnknown,
    };

    private static Problem OAuthProblem(string error, string detail) => Problems.Create(400, error, detail) with { Error = error };
}
