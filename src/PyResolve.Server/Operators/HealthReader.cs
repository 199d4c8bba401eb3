using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Email;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Operators;

/// <summary>A tile of the health page. <c>Link</c>: the page with more of it, from the root; null: there is none.</summary>
internal sealed record Tile(string Name, string Figure, string Text, HealthState State, string? Link = null);

/// <summary>Reads what an operator looks at first.</summary>
internal sealed class HealthReader(
    Database database, StoreReadiness store, BacklogReader backlogs, SchemaMigrator schema, BillingOptions billing, EmailOutbox emails,
    TimeProvider time)
{
    private static readonly TimeSpan LateAfter = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LateEmailAfter = TimeSpan.FromMinutes(10);

    public async Task<IReadOnlyList<Tile>> ReadAsync(CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var problem = await store.FindProblemAsync(cancellationToken);
        var tiles = new List<Tile>
        {
            new(
                "Database", database.Engine is PostgresEngine ? "PostgreSQL" : "SQLite", problem ?? "It accepts writes.",
                problem is null ? HealthState.Good : HealthState.Bad, "operator/diagnostics"),
            new("Schema", $"{schema.Version}", "The version that this server needs; the database has it.", HealthState.Good),
        };
        var waiting = await backlogs.ReadAsync(cancellationToken);
        tiles.AddRange(StripeTiles(waiting, now));
        tiles.Add(EmailTile(waiting.Emails, now));
        tiles.AddRange(await ReadTodayAsync(now, cancellationToken));
        return tiles;
    }

    private IReadOnlyList<Tile> StripeTiles(Backlogs backlogs, DateTimeOffset now)
    {
        const string Events = "operator/events";
        if (!billing.IsConfigured)
            return [new("Stripe", "Off", "STRIPE_SECRET_KEY is not set: nothing is sold.", HealthState.Look, "operator/settings")];
        var mode = billing.Origin switch
        {
            BillingOrigins.Live => "Live mode",
            BillingOrigins.Test => "Test mode",
            _ => "Simulator",
        };
        var secrets = billing.WebhookSecrets.Count == 0
            ? new Tile("Stripe", mode, "STRIPE_WEBHOOK_SECRET is not set: every event is refused.", HealthState.Bad, "operator/settings")
            : new Tile("Stripe", mode, "Events are accepted.", HealthState.Good, Events);
        var dead = backlogs.DeadEvents;
        return
        [
            secrets,
            Waiting("Events that wait", backlogs.Events, now, LateAfter, $"{Events}?state=pending"),
            new(
                "Dead events",
                $"{dead.Count:N0}",
                dead.Count == 0 ? "None." : "They will not be retried. Fix the cause, then replay them.",
                dead.Count == 0 ? HealthState.Good : HealthState.Bad, $"{Events}?state=dead"),
        ];
    }

    private Tile EmailTile(Backlog waiting, DateTimeOffset now) => emails.IsEnabled
        ? Waiting("Emails that wait", waiting, now, LateEmailAfter, link: null)
        : new("Email", "Off", "No mail server is set: no email is sent.", HealthState.Look, "operator/settings");

    private async Task<IReadOnlyList<Tile>> ReadTodayAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var midnight = new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero);
        var counts = (await database.ListAsync(
            $"""
            select action, count(*) from audit_log
            where at >= {midnight} and action in ('account.created', 'session.opened', 'session.refused')
            group by action
            """,
            static row => (Action: row.Text(0), Count: row.Int64(1)),
            cancellationToken)).ToDictionary(static pair => pair.Action, static pair => pair.Count, StringComparer.Ordinal);
        return
        [
            await ReadUsageAsync(now, cancellationToken),
            Today("Sign-ups today", "account.created", "Since midnight, UTC."),
            Today("Sign-ins today", "session.opened", "Since midnight, UTC."),
            Today("Refused sign-ins", "session.refused", "Entries of the log since midnight, UTC."),
        ];

        Tile Today(string name, string action, string text) => new(
            name, $"{counts.GetValueOrDefault(action):N0}", text, HealthState.Good, $"operator/audit?action={action}");
    }

    private async Task<Tile> ReadUsageAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var used = await database.FirstAsync(
            $"""
            select cast(coalesce(sum(migrations), 0) as bigint), count(distinct user_id)
            from usage_daily
            where date = {now.ToDate()} and migrations > 0
            """,
            static row => new { Migrations = row.Int64(0), Accounts = row.Int64(1) },
            cancellationToken);
        var accounts = used!.Accounts == 1 ? "1 account" : $"{used.Accounts:N0} accounts";
        return new Tile("Migrations today", $"{used.Migrations:N0}", $"Of {accounts}, since midnight, UTC.", HealthState.Good);
    }

    private static Tile Waiting(string name, Backlog backlog, DateTimeOffset now, TimeSpan lateAfter, string? link)
    {
        var age = backlog.AgeAt(now);
        var text = backlog.Count == 0 ? "Nothing waits." : $"The oldest waits for {Describe(age)}.";
        return new(name, $"{backlog.Count:N0}", text, age > lateAfter ? HealthState.Look : HealthState.Good, link);
    }

    private static string Describe(TimeSpan age) => age.TotalMinutes < 2 ? $"{age.TotalSeconds:0} seconds"
        : age.TotalHours < 2 ? $"{age.TotalMinutes:0} minutes" : $"{age.TotalHours:0} hours";
}
