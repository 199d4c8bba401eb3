using System.Globalization;
using PyResolve.Server.Keys;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Imports;

internal enum FindingKind
{
    /// <summary>Taken over, with another value.</summary>
    Changed,

    /// <summary>Not taken over.</summary>
    Refused,

    /// <summary>Taken over as it is. Somebody should look at it.</summary>
    Notice,
}

/// <param name="Kind">What an import does about it.</param>
/// <param name="Name">For programs.</param>
/// <param name="Text">For people: what it is, and why.</param>
/// <param name="Rows">How many.</param>
/// <param name="Examples">The ids of the first ones.</param>
internal sealed record ImportFinding(FindingKind Kind, string Name, string Text, long Rows, IReadOnlyList<string> Examples)
{
    /// <summary>A line for each, where somebody has to do something about each.</summary>
    public IReadOnlyList<string> Details { get; init; } = [];
}

/// <summary>What in a project's tables is not as the server has it.</summary>
internal sealed class ImportFindings(AcceptedKeys accepted, PlanCatalog plans)
{
    public const int MaxExamples = 20;

    public const string Hash = @"^\$2[aby]\$(0[4-9]|1[0-2])\$[./A-Za-z0-9]{53}$";

    public async Task<IReadOnlyList<ImportFinding>> ReadAsync(
        Session session, ProjectTables tables, CancellationToken cancellationToken)
    {
        var found = new List<ImportFinding>();
        foreach (var question in Profiles(tables, session).Concat(Keys(tables)).Concat(Events(tables)))
        {
            var answer = await session.FirstAsync(
                $"""
                select count(*), coalesce(string_agg(f.id, ' ' order by f.place) filter (where f.place <= {MaxExamples}), '')
                from (select q.id::text as id, row_number() over (order by q.id) as place from ({new SqlPart(question.Ids)}) q) f
                """,
                static row => new { Rows = row.Int64(0), Examples = row.Text(1).Split(' ', StringSplitOptions.RemoveEmptyEntries) },
                cancellationToken);
            if (answer is { Rows: > 0 })
                found.Add(new ImportFinding(question.Kind, question.Name, question.Text, answer.Rows, answer.Examples));
        }

        if (await KeysOfOtherFormAsync(session, tables, cancellationToken) is { } others)
            found.Add(others);
        if (await UnknownPlansAsync(session, tables, cancellationToken) is { } unknown)
            found.Add(unknown);
        if (await SharedEmails.FindAsync(session, tables, cancellationToken) is { } shared)
            found.Add(shared);
        found.AddRange(await ProjectAdditions.FindAsync(session, tables, cancellationToken));
        return found;
    }

    /// <summary>Profiles that are taken over.</summary>
    public static Sql AcceptedProfiles(ProjectTables tables) =>
        $"""
        select p.*, coalesce(nullif(btrim(p.email), ''), u.email) as address,
               lower(u.email) = lower(coalesce(nullif(btrim(p.email), ''), u.email)) as is_user,
               u.email_confirmed_at, u.confirmation_sent_at, u.invited_at
        from {tables.ProfileRows} p
        left join {tables.UserRows} u on u.id = p.id
        where coalesce(nullif(btrim(p.email), ''), u.email, '') <> ''
        """;

    private IEnumerable<Question> Profiles(ProjectTables t, Session session) =>
    [
        new(FindingKind.Refused, "profile_without_email",
            "accounts without an email address, with their keys and usage",
            $"""
            select p.id from {t.ProfileRows} p left join {t.UserRows} u on u.id = p.id
            where coalesce(nullif(btrim(p.email), ''), u.email, '') = ''
            """),
        new(FindingKind.Changed, "email_spelling",
            "email addresses, now in lower case and without spaces around them",
            $"select p.id from {t.ProfileRows} p where p.email <> lower(btrim(p.email)) and btrim(p.email) <> ''"),
        new(FindingKind.Changed, "plan_unknown",
            "accounts without a plan, or with a name that no plan can have: now free",
            $"select p.id from {t.ProfileRows} p where p.plan is null or p.plan !~ {Plan.NamePattern}"),
        new(FindingKind.Notice, "plan_without_customer",
            "accounts on a paid plan without a Stripe customer: somebody set it by hand, or the user did, which the guide's policies "
                + "allow. They keep it. 'accounts set-plan <id> free' takes it away",
            $"""
            select p.id from {t.ProfileRows} p
            join {session.Rows("paid", Paid).With("name", static name => name)} on paid.name = p.plan
            where coalesce(btrim(p.stripe_customer_id), '') = ''
            """),
        new(FindingKind.Notice, "customer_shared",
            "accounts that name the Stripe customer of another one: none of them gets its subscription, unless Stripe names the account",
            $"""
            select p.id from {t.ProfileRows} p
            where exists (select 1 from {t.ProfileRows} o where o.stripe_customer_id = p.stripe_customer_id and o.id <> p.id)
            """),
    ];

    private static IEnumerable<Question> Keys(ProjectTables t) =>
    [
        new(FindingKind.Refused, "key_of_nobody",
            "keys of an account that is not there",
            $"select k.id from {t.KeyRows} k where not exists (select 1 from {t.ProfileRows} p where p.id = k.user_id)"),
        new(FindingKind.Refused, "key_prefix_length",
            "keys whose prefix is not their first 20 characters, by which keys are found: their owners make new ones",
            $"select k.id from {t.KeyRows} k where length(k.key_prefix) is distinct from 20"),
        new(FindingKind.Refused, "key_hash_unreadable",
            "keys whose hash is no bcrypt hash of a cost from 4 to 12: their owners make new ones",
            $"select k.id from {t.KeyRows} k where coalesce(k.key_hash, '') !~ {Hash}"),
        new(FindingKind.Refused, "key_prefix_twice",
            "keys whose prefix another key has too: of those the one that is not revoked, and then the newest, is taken over",
            $"""
            select k.id
            from (select o.id, row_number() over (
                      partition by o.key_prefix order by o.revoked_at is null desc, o.created_at desc nulls last, o.id) as place
                  from {t.KeyRows} o
                  where length(o.key_prefix) = 20 and coalesce(o.key_hash, '') ~ {Hash}
                    and exists (select 1 from {t.ProfileRows} p where p.id = o.user_id)) k
            where k.place > 1
            """),
    ];

    private static IEnumerable<Question> Events(ProjectTables t) =>
    [
        new(FindingKind.Refused, "event_of_nobody",
            "usage events of an account that is not there",
            $"select e.id from {t.EventRows} e where not exists (select 1 from {t.ProfileRows} p where p.id = e.user_id)"),
        new(FindingKind.Refused, "event_without_time",
            "usage events without a time, which counted in no month",
            $"select e.id from {t.EventRows} e where e.created_at is null or not isfinite(e.created_at)"),
        new(FindingKind.Refused, "event_without_type",
            "usage events without a type",
            $"select e.id from {t.EventRows} e where coalesce(e.event_type, '') = ''"),
        new(FindingKind.Changed, "event_month",
            "usage events that count in another month than in the time zone of the database: months are those of UTC",
            $"""
            select e.id from {t.EventRows} e
            where to_char(e.created_at, 'YYYY-MM') <> to_char(e.created_at at time zone 'UTC', 'YYYY-MM')
            """),
        new(FindingKind.Changed, "event_tier_unknown",
            "usage events with a tier that does not exist: now without one",
            $"select e.id from {t.EventRows} e where e.tier not in ('tier1', 'tier2', 'tier3')"),
        new(FindingKind.Changed, "event_number",
            "usage events with files or tokens below zero, or above 2147483647",
            $"""
            select e.id from {t.EventRows} e
            where e.files_changed < 0 or e.tokens_used < 0 or e.files_changed > 2147483647 or e.tokens_used > 2147483647
            """),
        new(FindingKind.Changed, "event_text",
            "usage events whose library has more than 128 characters, which are cut, or whose metadata are no object: now in the member "
                + "value",
            $"select e.id from {t.EventRows} e where length(e.library) > 128 or jsonb_typeof(e.metadata) <> 'object'"),
        new(FindingKind.Changed, "event_tier_counted",
            "usage events with a tier that are no migrations: the guide counts them among the migrations of the tier, the server does not",
            $"select e.id from {t.EventRows} e where e.tier is not null and e.event_type <> 'migration'"),
    ];

    private async Task<ImportFinding?> KeysOfOtherFormAsync(
        Session session, ProjectTables tables, CancellationToken cancellationToken)
    {
        var prefixes = await session.ListAsync(
            $"select k.key_prefix, k.id::text from {tables.KeyRows} k where k.revoked_at is null and length(k.key_prefix) = 20 order by 1",
            static row => (Prefix: row.Text(0), Id: row.Text(1)),
            cancellationToken);
        var others = prefixes.FindAll(key => !accepted.HasKeyForm(key.Prefix));
        return others.Count == 0 ? null : new ImportFinding(
            FindingKind.Notice,
            "key_prefix_other",
            $"live keys that begin as {others[0].Prefix[..(others[0].Prefix.LastIndexOf('_') + 1)]}…: the server accepts them once "
                + "PyResolve:KeyPrefixes names what they begin with",
            others.Count,
            [.. others.Take(MaxExamples).Select(static key => key.Id)]);
    }

    private List<string> Paid => [.. plans.All.Where(static plan => !plan.IsFree).Select(static plan => plan.Name)];

    private async Task<ImportFinding?> UnknownPlansAsync(Session session, ProjectTables tables, CancellationToken cancellationToken)
    {
        var counted = await session.ListAsync(
            $"select p.plan, count(*) from {tables.ProfileRows} p where p.plan ~ {Plan.NamePattern} group by 1 order by 1",
            static row => (Plan: row.Text(0), Accounts: row.Int64(1)),
            cancellationToken);
        var unknown = counted.FindAll(one => one.Plan != PlanCatalog.Free && plans.Find(one.Plan) is null);
        return unknown.Count == 0 ? null : new ImportFinding(
            FindingKind.Notice,
            "plan_not_in_catalogue",
            $"accounts on plans that the catalogue (PyResolve:Plans) does not know: they keep the name, and have the plan without payment, "
                + $"{plans.WithoutPayment.Name}, until the catalogue has theirs",
            unknown.Sum(static one => one.Accounts),
            [.. unknown.Take(MaxExamples).Select(static one => one.Plan)])
        {
            Details = [.. unknown.Select(static one => string.Create(CultureInfo.InvariantCulture, $"{one.Plan}: {one.Accounts:N0}"))],
        };
    }

    private sealed record Question(FindingKind Kind, string Name, string Text, Sql Ids);
}
