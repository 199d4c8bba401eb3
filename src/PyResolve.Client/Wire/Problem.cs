using System.Text.Json.Serialization;

namespace PyResolve.Client.Wire;

/// <summary>The body of every error: RFC 9457 problem details with a stable <see cref="Code"/>.</summary>
public sealed record Problem
{
    /// <summary>Names the kind of problem.</summary>
    public string? Type { get; init; }

    /// <summary>The kind of problem, for people.</summary>
    public string? Title { get; init; }

    /// <summary>The HTTP status.</summary>
    public int? Status { get; init; }

    /// <summary>What happened this time, and what mends it.</summary>
    public string? Detail { get; init; }

    /// <summary>One of <see cref="ProblemCodes"/>, or a newer server's word.</summary>
    public string? Code { get; init; }

    /// <summary>Finds this request in the server's log.</summary>
    public string? RequestId { get; init; }

    /// <summary>What is wrong with each field, for 422.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? Errors { get; init; }

    /// <summary>OAuth's name for <see cref="Code"/>, on the routes of the device login (RFC 8628).</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Error { get; init; }

    /// <summary>Where more quota is to be had, for 402 and <c>llm_not_allowed</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? UpgradeUrl { get; init; }

    /// <summary>When the quota is full again, for 402.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? ResetsAt { get; init; }

    /// <summary>Where to change the subscription that there is, for <c>already_subscribed</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? PortalUrl { get; init; }
}

/// <summary>The stable words in <see cref="Problem.Code"/>.</summary>
public static class ProblemCodes
{
    /// <summary>400: not JSON, a bad header, two credentials at once.</summary>
    public const string Malformed = "malformed";

    /// <summary>400, device login: nobody has decided yet; poll again after the interval.</summary>
    public const string AuthorizationPending = "authorization_pending";

    /// <summary>400, device login: as <see cref="AuthorizationPending"/>, and the interval is 5 s longer from now on.</summary>
    public const string SlowDown = "slow_down";

    /// <summary>400, device login: the person denied it.</summary>
    public const string AccessDenied = "access_denied";

    /// <summary>400, device login: nobody decided in time; ask for a new code.</summary>
    public const string ExpiredToken = "expired_token";

    /// <summary>400, device login: the device code is unknown, or was redeemed before.</summary>
    public const string InvalidGrant = "invalid_grant";

    /// <summary>400, device login by a form: another <c>grant_type</c> than the device code's.</summary>
    public const string UnsupportedGrantType = "unsupported_grant_type";

    /// <summary>400: the account never began to subscribe, so there is nothing to manage.</summary>
    public const string NoBillingAccount = "no_billing_account";

    /// <summary>401: no key or session, or one that is unknown, revoked or expired.</summary>
    public const string Unauthenticated = "unauthenticated";

    /// <summary>402: the month's migrations are used or held.</summary>
    public const string QuotaExceeded = "quota_exceeded";

    /// <summary>403: the plan has no tier2 and tier3.</summary>
    public const string LlmNotAllowed = "llm_not_allowed";

    /// <summary>403: the key lacks the scope that the route needs.</summary>
    public const string ScopeMissing = "scope_missing";

    /// <summary>403: this server takes no new accounts.</summary>
    public const string SignUpClosed = "signup_closed";

    /// <summary>403, on a web page: the form was not sent by a page of this site over a safe connection.</summary>
    public const string CrossOrigin = "cross_origin";

    /// <summary>404: not there, or another account's.</summary>
    public const string NotFound = "not_found";

    /// <summary>405: the path has no such method.</summary>
    public const string MethodNotAllowed = "method_not_allowed";

    /// <summary>409: it contradicts what is stored.</summary>
    public const string Conflict = "conflict";

    /// <summary>409: the account has a subscription already; <c>portal_url</c> is where to change it.</summary>
    public const string AlreadySubscribed = "already_subscribed";

    /// <summary>413: the body is too large.</summary>
    public const string TooLarge = "too_large";

    /// <summary>415: the body is not <c>application/json</c>.</summary>
    public const string UnsupportedMediaType = "unsupported_media_type";

    /// <summary>422: valid JSON that breaks a rule.</summary>
    public const string Invalid = "invalid";

    /// <summary>429: too many requests; <c>Retry-After</c> says when.</summary>
    public const string RateLimited = "rate_limited";

    /// <summary>500: a fault of the server's.</summary>
    public const string Internal = "internal";

    /// <summary>503: this server sells nothing, or not this, until its operator sets it up.</summary>
    public const string BillingNotConfigured = "billing_not_configured";

    /// <summary>503: the store is down or overloaded; <c>Retry-After</c> says when.</summary>
    public const string Unavailable = "unavailable";
}
