using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using PyResolve.Server.Audit;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Email;
using PyResolve.Server.Hosting;
using PyResolve.Server.Pages;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Operators;

/// <summary>A job in the list. <c>ReadTo</c>: the end of the time that its last run covered.</summary>
internal sealed record ListedJob(
    string Origin, string Name, DateTimeOffset NextRunAt, DateTimeOffset? ReadTo, DateTimeOffset? LeasedUntil, long Repaired);

/// <summary>The pages that show what the server is, and how it is configured.</summary>
internal static class ServerPages
{
    public static void MapServerPages(this IEndpointRouteBuilder pages)
    {
        pages.MapGet("/operator", ShowHealth);
        pages.MapGet("/operator/jobs", ShowJobs);
        pages.MapGet("/operator/settings", ShowSettings);
        pages.MapGet("/operator/diagnostics", ShowDiagnostics);
    }

    private static async Task<IResult> ShowHealth(HttpContext http, HealthReader health) => OperatorPages.Page(
        http, "Health", new Operators_HealthPage { Model = await health.ReadAsync(http.RequestAborted) }, isLive: true);

    private static async Task<IResult> ShowJobs(HttpContext http, Database database)
    {
        var jobs = await database.ListAsync(
            $"select origin, name, next_run_at, read_to, lease_until, repaired from billing_jobs order by origin, name",
            static row => new ListedJob(
                row.Text(0), row.Text(1), row.Instant(2), row.InstantOrNull(3), row.InstantOrNull(4), row.Int64(5)),
            http.RequestAborted);
        return OperatorPages.Page(http, "Jobs", new Operators_JobsPage { Model = jobs });
    }

    private static PageResult ShowSettings(HttpContext http, IConfiguration configuration) => OperatorPages.Page(
        http, "Settings of the server", new Operators_SettingsPage { Model = SettingsList.Read(configuration) });

    private static async Task<IResult> ShowDiagnostics(
        HttpContext http, StoreReadiness store, SchemaMigrator schema, Database database, PublicUrl publicUrl, BillingOptions billing,
        EmailOutbox emails, TimeProvider time)
    {
        var request = http.Request;
        var text = new StringBuilder();
        Add("PyResolve", ServerVersion.Current);
        Add(".NET", $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier}");
        Add("System", RuntimeInformation.OSDescription);
        Add("Database", $"{(database.Engine is PostgresEngine ? "PostgreSQL" : "SQLite")}, schema {schema.Version}");
        Add("Ready", await store.FindProblemAsync(http.RequestAborted) ?? "yes");
        Add("Public URL", publicUrl.Value);
        Add("This page was asked for at", $"{request.Scheme}://{request.Host}");
        Add("Your address, as the server sees it", Origin.AddressOf(http) ?? "none");
        Add(
            "X-Forwarded-For",
            request.Headers.ContainsKey("X-Forwarded-For") ? "sent, and not from a trusted proxy" : "not sent, or taken over");
        Add("Stripe", billing.IsConfigured ? $"{billing.Origin}, API {BillingOptions.PinnedApiVersion}" : "not configured");
        Add("Email", emails.IsEnabled ? "sent" : "not configured");
        Add("Clock of the server", time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        Add("Memory", $"{GC.GetTotalMemory(forceFullCollection: false) / (1024 * 1024)} MB managed");
        return OperatorPages.Page(http, "Diagnostics", new Operators_DiagnosticsPage { Model = text.ToString() });

        void Add(string name, string value) => text.Append(name).Append(": ").Append(value).Append('\n');
    }
}
