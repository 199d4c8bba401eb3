using System.Text;
using System.Text.Json;
using PyResolve.Client.Wire;
using PyResolve.Testing.Http;
using PyResolve.Testing.State;

namespace PyResolve.Testing.Contract;

internal static class MigrateRoutes
{
    private const int MostAtATime = 2;
    private const int TimeToLiveSeconds = 360;
    private const string EventStream = "text/event-stream";
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    public static FakeAnswer Start(Call call)
    {
        var request = call.Body<MigrateRequest>(largest: MigrateLimits.LargestBody);
        MigrateRules.Check(request);
        var idempotencyKey = QuotaRoutes.IdempotencyKey(call);
        var migrator = call.Server.Migrator ?? throw NoMigrator();
        call.Account.ExpireDue(call.Now);
        var running = call.Account.Migrations.Count(static run => run.End is null);
        if (running >= MostAtATime)
        {
            throw new ProblemException(
                Problems.Create(503, ProblemCodes.Unavailable, ProblemTexts.TooManyMigrations(running)), RetryAfter);
        }

        var run = Begin(call, request, migrator, idempotencyKey);
        call.Account.Migrations.Add(run);
        call.Account.ExpireDue(call.Now);
        return PrefersAsync(call)
            ? Describe(run, 202) with { Headers = [("Location", $"/migrate/{run.Id}"), ("Preference-Applied", "respond-async")] }
            : Wait(call, run, AnswerWaiting);
    }

    public static FakeAnswer Read(Call call)
    {
        var run = Find(call);
        if (call.Request.Header("Accept")?.Contains(EventStream, StringComparison.OrdinalIgnoreCase) != true)
            return Describe(run, 200);
        var progress = run.End is null && run.Work.Progress is { } told
            ? Event("progress", JsonSerializer.Serialize(told, WireJson.Default.RemoteMigrationProgress))
            : "";
        return Wait(call, run, ended => new FakeAnswer(
            200, EventStream,
            Encoding.UTF8.GetBytes(progress + Event(
                ended.Describe().State, JsonSerializer.Serialize(ended.Describe(), WireJson.Default.RemoteMigration)))));
    }

    public static FakeAnswer Cancel(Call call)
    {
        var run = Find(call);
        if (run.End is null)
            run.Cancel();
        return Describe(run, 200);
    }

    private static FakeMigrationRun Begin(
        Call call, MigrateRequest request, Func<MigrateRequest, FakeMigration?> migrator, string? idempotencyKey)
    {
        var reservation = QuotaRoutes.Reserve(call, new ReservationRequest
        {
            Quantity = 1,
            Tier = request.Tier,
            Library = request.Library,
            TtlSeconds = TimeToLiveSeconds,
            OnceKey = idempotencyKey is null ? null : Digest(request, idempotencyKey),
        });
        if (migrator(request) is { } work)
            return new(request, work, reservation, call.Caller.Key?.Id) { StartedAt = call.Server.Timestamp };
        if (reservation.State == ReservationStates.Held)
            reservation.Release();
        throw NoMigrator();
    }

    /// <summary>The same key with other content is other work.</summary>
    private static string Digest(MigrateRequest request, string idempotencyKey)
    {
        var sorted = request with { Files = new SortedDictionary<string, string>(Copy(request.Files!), StringComparer.Ordinal) };
        return $"migrate-{idempotencyKey} {JsonSerializer.Serialize(sorted, WireJson.Requests.MigrateRequest)}";
    }

    private static Dictionary<string, string> Copy(IReadOnlyDictionary<string, string> files) =>
        files.ToDictionary(static file => file.Key, static file => file.Value, StringComparer.Ordinal);

    /// <summary>Answers at the end of the migration. Its caller is asked again whenever some time has passed.</summary>
    private static FakeAnswer Wait(Call call, FakeMigrationRun run, Func<FakeMigrationRun, FakeAnswer> answer)
    {
        call.Account.ExpireDue(call.Now);
        if (run.End is not null)
            return answer(run);
        return FakeAnswer.Accepted with
        {
            Later = new(call.Server.TimeLeft(run), () => Wait(call, run, answer), () =>
            {
                if (run.End is null)
                    run.Cancel();
            }),
        };
    }

    private static FakeAnswer AnswerWaiting(FakeMigrationRun run) =>
        run.Problem is { } problem ? FakeAnswer.Of(problem) : Describe(run, 200);

    private static FakeAnswer Describe(FakeMigrationRun run, int status) =>
        FakeAnswer.Json(run.Describe(), WireJson.Default.RemoteMigration, status);

    private static string Event(string name, string json) => $"event: {name}\ndata: {json}\n\n";

    private static bool PrefersAsync(Call call) => call.Request.Header("Prefer")?.Split(',')
        .Any(static preference => preference.Trim().Equals("respond-async", StringComparison.OrdinalIgnoreCase)) == true;

    private static FakeMigrationRun Find(Call call)
    {
        call.Account.ExpireDue(call.Now);
        return call.Account.Migrations.Find(run => run.Id == call.Id)
            ?? throw new ProblemException(Problems.NotFound(ProblemTexts.MigrationNotFound));
    }

    private static ProblemException NoMigrator() => new(Problems.Invalid("library", ProblemTexts.NoMigrator));
}
