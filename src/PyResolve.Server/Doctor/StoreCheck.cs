using System.Globalization;
using PyResolve.Server.Billing.Operator;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Doctor;

/// <summary>
/// Whether the store is there, has the schema of this server, gives the rights that it needs, takes writes, knows the time, and has
/// plans of the catalogue alone.
/// </summary>
internal sealed class StoreCheck(
    Database database, SchemaMigrator schema, UnknownPlans unknownPlans, ServerOptions options, TimeProvider time)
{
    private const string About = "Store";
    private const string AboutClock = "Clock";
    private static readonly TimeSpan ToleratedSkew = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ToleratedFuture = TimeSpan.FromMinutes(1);

    private string Name => database.Engine is PostgresEngine ? "PostgreSQL" : "The embedded database";

    private string DatabaseFix => database.Engine is PostgresEngine
        ? "Correct DATABASE_URL, or start the database and let this machine reach it."
        : "Run the commands as the user of the server, and make sure that its disk works and has room.";

    /// <returns>Whether the store can be used, and what was found.</returns>
    public async Task<(bool IsUsable, IReadOnlyList<Finding> Findings)> RunAsync(CancellationToken cancellationToken)
    {
        var findings = new List<Finding>();
        if (options.DatabaseUrl is { } url && DatabaseUrl.FindWarning(url) is { } warning)
            findings.Add(new(About, DatabaseUrl.IsPrivate(url) ? HealthState.Look : HealthState.Bad, warning));
        try
        {
            await schema.CheckAsync(cancellationToken);
            findings.Add(new("Schema", HealthState.Good, $"It has version {schema.Version}, which this server needs."));
            await schema.CheckRightsAsync(cancellationToken);
            await database.ExecuteAsync($"update write_checks set checked_at = {time.GetInstant()}", cancellationToken);
            findings.Add(new(About, HealthState.Good, $"{Name} accepts writes."));
            if (await schema.FindShardsAsync(cancellationToken) is { } shards)
                findings.Add(new("Citus", HealthState.Good, $"The accounts' ledgers are spread over the nodes, in {shards} shards."));
        }
        catch (SchemaIncompatibleException exception)
        {
            findings.Add(new("Schema", HealthState.Bad, exception.Message));
            return (false, findings);
        }
        catch (StoreUnavailableException exception)
        {
            findings.Add(new(About, HealthState.Bad, exception.Message, DatabaseFix));
            return (false, findings);
        }

        findings.Add(await CheckClockAsync(cancellationToken));
        if (await unknownPlans.DescribeAsync(cancellationToken) is { } unknown)
            findings.Add(new("Plans", HealthState.Bad, unknown));
        return (true, findings);
    }

    private async Task<Finding> CheckClockAsync(CancellationToken cancellationToken)
    {
        const string Fix = "Let NTP set the clocks of all machines, such as with: timedatectl set-ntp true";
        if (time is DatabaseClock { MachineIsAheadBy: { } ahead })
        {
            return ahead.Duration() > ToleratedSkew
                ? new(
                    AboutClock, HealthState.Bad,
                    $"The clock of this machine is {Describe(ahead)} {(ahead > TimeSpan.Zero ? "ahead of" : "behind")} the database's.",
                    Fix)
                : new(AboutClock, HealthState.Good, "The clocks of this machine and of the database agree.");
        }

        var now = time.GetInstant();
        var newest = await database.FirstAsync(
            $"select at from audit_log order by at desc limit 1", static row => new { At = row.Instant(0) }, cancellationToken);
        return newest?.At > now + ToleratedFuture
            ? new(
                AboutClock, HealthState.Bad,
                $"The store has an entry from {Describe(newest.At - now)} after now: the clock of this machine is behind, or was ahead.",
                Fix)
            : new(AboutClock, HealthState.Good, "Nothing in the store is from a time to come.");
    }

    private static string Describe(TimeSpan span) => span.Duration().TotalMinutes < 10
        ? string.Create(CultureInfo.InvariantCulture, $"{span.Duration().TotalSeconds:0} s")
        : string.Create(CultureInfo.InvariantCulture, $"{span.Duration().TotalMinutes:0} minutes");
}
