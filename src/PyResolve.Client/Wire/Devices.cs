using System.Text.Json.Serialization;

namespace PyResolve.Client.Wire;

/// <summary>The body of <c>POST /auth/device/code</c>, which may be left out.</summary>
public sealed record DeviceCodeRequest
{
    /// <summary>What the device calls itself, such as <c>pyresolve-cli</c>: at most 100 characters, shown to the person who approves, and the new key's name.</summary>
    public string? ClientId { get; init; }
}

/// <summary>The answer to <c>POST /auth/device/code</c>: a login that waits for a person (RFC 8628).</summary>
/// <param name="DeviceCode">The secret that the device polls with; never shown to the person.</param>
/// <param name="UserCode">What the person compares or types, as <c>XXXX-XXXX</c>; taken in any case, with or without the dash.</param>
/// <param name="VerificationUri">Where the person goes.</param>
/// <param name="VerificationUriComplete">The same with the code in it.</param>
/// <param name="ExpiresIn">Seconds until both codes are void.</param>
/// <param name="Interval">The least number of seconds from one poll to the next.</param>
public sealed record DeviceCodeResponse(
    string DeviceCode,
    string UserCode,
    string VerificationUri,
    string VerificationUriComplete,
    int ExpiresIn,
    int Interval)
{
    /// <summary>The address alone, so that a secret never reaches a log.</summary>
    public override string ToString() => $"{nameof(DeviceCodeResponse)} {VerificationUri}";
}

/// <summary>The body of <c>POST /auth/device/token</c>.</summary>
public sealed record DeviceTokenRequest
{
    /// <summary>From <see cref="DeviceCodeResponse.DeviceCode"/>.</summary>
    public string? DeviceCode { get; init; }

    /// <summary>The type's name alone, so that a secret never reaches a log.</summary>
    public override string ToString() => nameof(DeviceTokenRequest);
}

/// <summary>The answer to <c>POST /auth/device/token</c> once a person has approved: the only time that this key is shown.</summary>
/// <param name="ApiKey">A new key with the default scopes, named after the client.</param>
/// <param name="User">Whose key it is.</param>
public sealed record DeviceTokenResponse(string ApiKey, UserInfo User)
{
    /// <summary>The key once more, under the name that OAuth gives it; only in the answer to a form.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? AccessToken { get; init; }

    /// <summary><c>Bearer</c>; only in the answer to a form.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? TokenType { get; init; }

    /// <summary>The key's scopes, separated by spaces; only in the answer to a form.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Scope { get; init; }

    /// <summary>The account's id alone, so that a secret never reaches a log.</summary>
    public override string ToString() => $"{nameof(DeviceTokenResponse)} {User.Id}";
}
