using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Audit;

/// <param name="Actor"><c>session</c>, <c>key pyr_live_…</c>, <c>operator</c>, <c>owner</c> (just proved) or <c>anyone</c>.</param>
/// <param name="Address">null for an operator.</param>
internal sealed record Origin(string Actor, string? Address)
{
    public static Origin Operator { get; } = new("operator", Address: null);

    /// <summary>The operator who did it on the operator's pages; null: nobody, or an operator on the command line.</summary>
    public Guid? OperatorId { get; init; }

    /// <summary>The reason, in the operator's words; the operator's pages alone show it.</summary>
    public string? Reason { get; init; }

    public static Origin Anyone(string? address) => new("anyone", address);

    public static Origin Of(HttpContext http) => new(
        http.Features.Get<Caller>() switch
        {
            null => "anyone",
            { ApiKeyPrefix: { } prefix } => $"key {prefix}",
            _ => "session",
        },
        AddressOf(http));

    /// <summary>The origin of an action that itself proves who owns the account, such as a login.</summary>
    public static Origin OfOwner(HttpContext http) => new("owner", AddressOf(http));

    public static string? AddressOf(HttpContext http) => http.Connection.RemoteIpAddress is { } address
        ? (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString()
        : null;
}

/// <summary>Names of actions in the audit log. Never renamed: they are stored.</summary>
internal static class AuditActions
{
    public const string AccountCreated = "account.created";
    public const string AccountRenamed = "account.renamed";
    public const string AccountDeleted = "account.deleted";
    public const string EmailChangeAsked = "account.email_change_asked";
    public const string EmailChanged = "account.email_changed";
    public const string Invited = "account.invited";
    public const string Exported = "account.exported";
    public const string PlanChanged = "account.plan_changed";
    public const string UsageRecomputed = "account.usage_recomputed";
    public const string EmailVerified = "account.email_verified";
    public const string LoggedIn = "session.opened";
    public const string LogInFailed = "session.refused";
    public const string LoggedOut = "session.ended";
    public const string SessionsEnded = "session.all_ended";
    public const string PasswordChanged = "password.changed";
    public const string PasswordResetAsked = "password.reset_asked";
    public const string PasswordResetLinkMade = "password.reset_link_made";
    public const string PasswordReset = "password.reset";
    public const string PasswordRemoved = "password.removed";
    public const string SecondFactorOn = "totp.enabled";
    public const string SecondFactorOff = "totp.disabled";
    public const string SecondFactorReset = "totp.reset";
    public const string RecoveryCodeUsed = "totp.recovery_code_used";
    public const string KeyCreated = "key.created";
    public const string KeyRotated = "key.rotated";
    public const string KeyRevoked = "key.revoked";
    public const string KeysRevoked = "key.all_revoked";
    public const string KeyLeaked = "key.leak_reported";
    public const string DeviceApproved = "device.approved";
    public const string DeviceDenied = "device.denied";
    public const string IdentityLinked = "identity.linked";
    public const string UnitsGranted = "account.units_granted";
    public const string CreditsGranted = "account.credits_granted";
    public const string SyncedWithStripe = "account.synced";
    public const string Viewed = "account.viewed";
    public const string OperatorAdded = "operator.added";
    public const string OperatorRemoved = "operator.removed";
    public const string EventsReplayed = "stripe.events_replayed";
    public const string LogDeleted = "audit.deleted";

    /// <summary>
    /// The actions in the words of a page, in its order. The deletion of entries and the replay of events belong to no account.
    /// </summary>
    public static OrderedDictionary<string, string> All { get; } = new(StringComparer.Ordinal)
    {
        [LoggedIn] = "Signed in",
        [LogInFailed] = "Sign-in refused",
        [LoggedOut] = "Session ended",
        [SessionsEnded] = "Other sessions ended",
        [SecondFactorOn] = "Second factor turned on",
        [SecondFactorOff] = "Second factor turned off",
        [SecondFactorReset] = "Second factor reset",
        [RecoveryCodeUsed] = "Recovery code used",
        [PasswordChanged] = "Password changed",
        [PasswordResetAsked] = "Password reset asked for",
        [PasswordResetLinkMade] = "Password reset link made",
        [PasswordReset] = "Password reset",
        [PasswordRemoved] = "Password removed",
        [KeyCreated] = "API key created",
        [KeyRotated] = "API key replaced",
        [KeyRevoked] = "API key revoked",
        [KeysRevoked] = "All API keys revoked",
        [KeyLeaked] = "API key reported as leaked",
        [DeviceApproved] = "Device approved",
        [DeviceDenied] = "Device denied",
        [IdentityLinked] = "Other service connected",
        [AccountCreated] = "Account created",
        [AccountRenamed] = "Name changed",
        [EmailVerified] = "Email confirmed",
        [EmailChangeAsked] = "Change of the email asked for",
        [EmailChanged] = "Email changed",
        [Invited] = "Invited",
        [Exported] = "Account exported",
        [PlanChanged] = "Plan changed",
        [UnitsGranted] = "Extra units given",
        [CreditsGranted] = "Credits given",
        [SyncedWithStripe] = "Plan compared with Stripe",
        [UsageRecomputed] = "Usage recomputed",
        [Viewed] = "Pages looked at by an operator",
        [OperatorAdded] = "Made an operator",
        [OperatorRemoved] = "No operator any more",
        [AccountDeleted] = "Account deleted",
    };
}

/// <summary>The append-only log, which the database protects from changes. An entry is written in the transaction of its action.</summary>
internal sealed class AuditLog(Database database, TimeProvider time)
{
    public const int PageSize = 50;

    public Task WriteAsync(
        Session session, Guid userId, Origin origin, string action, string? target, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        return session.ExecuteAsync(
            $"""
            insert into audit_log (user_id, id, at, actor, action, target, address, operator_id, reason)
            values ({userId}, {Ids.Create(now)}, {now}, {origin.Actor}, {action}, {target}, {origin.Address}, {origin.OperatorId},
                    {origin.Reason})
            """,
            cancellationToken);
    }

    /// <summary>Reads entries, newest first, after the one that <paramref name="cursor"/> names.</summary>
    /// <param name="userId">Whose log.</param>
    /// <param name="cursor">null: from the newest entry on.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <param name="action">Only entries of this action; null: of every action.</param>
    /// <param name="limit">The most entries of a page.</param>
    public async Task<AuditPage> ReadAsync(
        Guid userId, Guid? cursor, CancellationToken cancellationToken, string? action = null, int limit = PageSize)
    {
        var rows = await database.ListAsync(
            $"""
            select id, at, actor, action, target, address
            from audit_log
            where user_id = {userId} and ({cursor is null} or id < {cursor ?? Guid.Empty})
              and ({action is null} or action = {action ?? ""})
            order by id desc
            limit {limit + 1}
            """,
            static row => (
                Id: row.Uuid(0),
                Entry: new AuditEntry(row.Instant(1), row.Text(2), row.Text(3), row.TextOrNull(4), row.TextOrNull(5))),
            cancellationToken);
        var page = rows.Take(limit).ToList();
        return new AuditPage([.. page.Select(row => row.Entry)], rows.Count > limit ? page[^1].Id.ToString() : null);
    }
}
