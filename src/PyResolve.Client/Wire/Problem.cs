using System.Text.Json.Serialization;

namespace PyResolve.Client.Wire;

/// <summary>The body of every error: RFC 9457 problem details with a stable <see cref="Code"/>.</summary>
public sealed record Problem
{
    /// <summary>A URI that identifies the kind of problem.</summary>
    public string? Type { get; init; }

    /// <summary>The kind of problem, for people.</summary>
    public string? Title { get; init; }

    /// <summary>The HTTP status.</summary>
    public int? Status { get; init; }

    /// <summary>What happened this time, and how to fix it.</summary>
    public string? Detail { get; init; }

    /// <summary>One of <see cref="ProblemCodes"/>, or a code that only a newer server knows.</summary>
    public string? Code { get; init; }

    /// <summary>The request's id in the server's log.</summary>
    public string? RequestId { get; init; }

    /// <summary>What is wrong with each field, for 422.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? Errors { get; init; }

    /// <summary>OAuth's name for <see cref="Code"/>, on the routes of the device login (RFC 8628).</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Error { get; init; }

    /// <summary>The page on which to upgrade the plan, for 402 and <c>llm_not_allowed</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? UpgradeUrl { get; init; }

    /// <summary>When the quota is full again, for 402.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? ResetsAt { get; init; }

    /// <summary>When the earliest reservation that stands in the way ends and returns its migrations, for 402; absent where no reservation
    /// does.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? HeldUntil { get; init; }

    /// <summary>The page on which to change the existing subscription, for <c>already_subscribed</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? PortalUrl { get; init; }
}

/// <summary>The stable codes in <see cref="Problem.Code"/>.</summary>
public static class ProblemCodes
{
    /// <summary>400: not JSON, a bad header, two credentials at once.</summary>
    public const string Malformed = "malformed";

    /// <summary>400, device login: the user has not decided yet; poll again after the interval.</summary>
    public const string AuthorizationPending = "authorization_pending";

    /// <summary>400, device login: as <see cref="AuthorizationPending"/>, and the interval becomes 5 s longer.</summary>
    public const string SlowDown = "slow_down";

    /// <summary>400, device login: the user denied it.</summary>
    public const string AccessDenied = "access_denied";

    /// <summary>400, device login: the user did not decide in time; request a new code.</summary>
    public const string ExpiredToken = "expired_token";

    /// <summary>400, device login: the device code is unknown, or was redeemed before.</summary>
    public const string InvalidGrant = "invalid_grant";

    /// <summary>400, device login by a form: a scope that does not exist, or that a device cannot get.</summary>
    public const string InvalidScope = "invalid_scope";

    /// <summary>400, device login by a form: a <c>grant_type</c> other than the device code's.</summary>
    public const string UnsupportedGrantType = "unsupported_grant_type";

    /// <summary>400: the account never started a checkout, so there is no subscription to manage.</summary>
    public const string NoBillingAccount = "no_billing_account";

    /// <summary>401: no key or session, or one that is unknown, revoked or expired.</summary>
    public const string Unauthenticated = "unauthenticated";

    /// <summary>401, login: the password is right, and the account has a second factor: send its code as well. Also where the code is
    /// wrong, or was used before.</summary>
    public const string TotpRequired = "totp_required";

    /// <summary>402: the month's migrations are used or reserved.</summary>
    public const string QuotaExceeded = "quota_exceeded";

    /// <summary>403: the plan does not include tier2 and tier3.</summary>
    public const string LlmNotAllowed = "llm_not_allowed";

    /// <summary>403: the key lacks the scope that the route needs.</summary>
    public const string ScopeMissing = "scope_missing";

    /// <summary>403: this server accepts no new accounts.</summary>
    public const string SignUpClosed = "signup_closed";

    /// <summary>403, on a web page: the form was not sent by a page of this site over a secure connection.</summary>
    public const string CrossOrigin = "cross_origin";

    /// <summary>404: it does not exist, or belongs to another account.</summary>
    public const string NotFound = "not_found";

    /// <summary>405: the path has no such method.</summary>
    public const string MethodNotAllowed = "method_not_allowed";

    /// <summary>409: it conflicts with what is stored.</summary>
    public const string Conflict = "conflict";

    /// <summary>409: the account has a subscription already; change it at <c>portal_url</c>.</summary>
    public const string AlreadySubscribed = "already_subscribed";

    /// <summary>409: Stripe bills the account in another currency already.</summary>
    public const string CurrencyConflict = "currency_conflict";

    /// <summary>409: the plan's price was withdrawn from sale.</summary>
    public const string PlanNotForSale = "plan_not_for_sale";

    /// <summary>413: the body is too large.</summary>
    public const string TooLarge = "too_large";

    /// <summary>415: the body is not <c>application/json</c>.</summary>
    public const string UnsupportedMediaType = "unsupported_media_type";

    /// <summary>422: valid JSON that breaks a rule.</summary>
    public const string Invalid = "invalid";

    /// <summary>422: the migrator of <c>POST /migrate</c> failed. Nothing was charged.</summary>
    public const string MigrationFailed = "migration_failed";

    /// <summary>429: too many requests; <c>Retry-After</c> says when to try again.</summary>
    public const string RateLimited = "rate_limited";

    /// <summary>500: an error in the server.</summary>
    public const string Internal = "internal";

    /// <summary>503: billing, or this plan's price, is not configured on this server.</summary>
    public const string BillingNotConfigured = "billing_not_configured";

    /// <summary>503: the store is down or overloaded; <c>Retry-After</c> says when to try again.</summary>
    public const string Unavailable = "unavailable";
}
