using System.Text.Json.Serialization;

namespace PyResolve.Client.Wire;

/// <summary>The body of <c>POST /auth/device/code</c>, which may be left out.</summary>
public sealed record DeviceCodeRequest
{
    /// <summary>The device's name, such as <c>pyresolve-cli</c>: at most 100 characters; shown to the user, and names the key.</summary>
    public string? ClientId { get; init; }

    /// <summary>The scopes that the device needs, separated by spaces: some of <see cref="Scopes.DeviceAllowed"/>, shown to the user;
    /// default <see cref="Scopes.DeviceDefault"/>.</summary>
    public string? Scope { get; init; }
}

/// <summary>The answer to <c>POST /auth/device/code</c>: a login that waits for a user's approval (RFC 8628).</summary>
/// <param name="DeviceCode">The secret that the device polls with; never shown to the user.</param>
/// <param name="UserCode">The code that the user compares or types, as <c>XXXX-XXXX</c>; any case, with or without the dash.</param>
/// <param name="VerificationUri">The page that the user opens.</param>
/// <param name="VerificationUriComplete">The same page, with the code in the URL.</param>
/// <param name="ExpiresIn">Seconds until both codes expire.</param>
/// <param name="Interval">The least number of seconds between two polls.</param>
public sealed record DeviceCodeResponse(
    string DeviceCode, string UserCode, string VerificationUri, string VerificationUriComplete, int ExpiresIn, int Interval)
{
    /// <summary>Only the address, so that a secret never reaches a log.</summary>
    public override string ToString() => $"{nameof(DeviceCodeResponse)} {VerificationUri}";
}

/// <summary>The body of <c>POST /auth/device/token</c>.</summary>
public sealed record DeviceTokenRequest
{
    /// <summary>From <see cref="DeviceCodeResponse.DeviceCode"/>.</summary>
    public string? DeviceCode { get; init; }

    /// <summary>Only the type's name, so that a secret never reaches a log.</summary>
    public override string ToString() => nameof(DeviceTokenRequest);
}

/// <summary>The answer to <c>POST /auth/device/token</c> once a user has approved: the only time that this key is shown.</summary>
/// <param name="ApiKey">A new key with the scopes that the login asked for, named after the client.</param>
/// <param name="User">The account of the key.</param>
public sealed record DeviceTokenResponse(string ApiKey, UserInfo User)
{
    /// <summary>The key again, under its OAuth name; only in the answer to a form.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? AccessToken { get; init; }

    /// <summary><c>Bearer</c>; only in the answer to a form.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? TokenType { get; init; }

    /// <summary>The key's scopes, separated by spaces; only in the answer to a form.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Scope { get; init; }

    /// <summary>Only the account's id, so that a secret never reaches a log.</summary>
    public override string ToString() => $"{nameof(DeviceTokenResponse)} {User.Id}";
}
