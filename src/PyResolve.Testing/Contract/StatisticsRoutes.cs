using System.Globalization;
using System.Text;
using PyResolve.Client.Wire;
using PyResolve.Testing.Http;
using PyResolve.Testing.State;

namespace PyResolve.Testing.Contract;

internal static class StatisticsRoutes
{
    private const int MostLibraries = 100;
    private const int MostKeys = 100;
    private const string InstantFormat = "yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'";

    public static FakeAnswer Month(Call call)
    {
        var month = call.Month() ?? AccountState.MonthOf(call.Now);
        var events = EventsOf(call, month);
        var totals = Totals(month, events);
        var days = from recorded in events
                   group recorded by recorded.Event.OccurredAt.UtcDateTime.ToString("yyyy-MM-dd") into day
                   orderby day.Key
                   select new DailyUsage(day.Key, day.Sum(static recorded => (long)recorded.Migrations), day.Sum(
                       static recorded => (long)recorded.Event.TokensUsed));
        var usage = new UsageStatistics(
            month, totals.Migrations, totals.Tier1Migrations, totals.LlmMigrations, totals.TotalTokens, totals.TotalFilesChanged,
            [.. days.Where(static day => day is not { Migrations: 0, Tokens: 0 })], Libraries(events), call.Account.Quota(call.Now))
        {
            ByKey = Keys(call.Account, events),
        };
        return FakeAnswer.Json(usage, WireJson.Default.UsageStatistics);
    }

    public static FakeAnswer History(Call call)
    {
        var months = call.Number("months", whenAbsent: 12, lowest: 1, highest: 36);
        var first = AccountState.StartOfNextMonth(call.Now).AddMonths(-1);
        var names = Enumerable.Range(0, months).Select(back => AccountState.MonthOf(first.AddMonths(-back)));
        return FakeAnswer.Json(new([.. names.Select(name => Totals(name, EventsOf(call, name)))]), WireJson.Default.UsageHistory);
    }

    public static FakeAnswer Events(Call call)
    {
        var month = call.Month();
        var limit = call.Number("limit", whenAbsent: 100, lowest: 1, highest: 1_000);
        var all = call.Account.Events.Select(static (recorded, place) => (recorded.Event, place))
            .Where(pair => month is null || pair.Event.Month == month)
            .OrderByDescending(static pair => pair.Event.Month, StringComparer.Ordinal).ThenByDescending(static pair => pair.place)
            .Select(static pair => pair.Event).ToList();
        var start = 0;
        if (call.Parameter("cursor") is { } cursor)
        {
            start = Guid.TryParseExact(cursor, "N", out var last) ? all.FindIndex(usage => usage.Id == last) + 1 : 0;
            if (start == 0)
                throw new ProblemException(Problems.Invalid("cursor", ProblemTexts.EventCursorUnknown));
        }

        var page = all.Skip(start).Take(limit).ToList();
        return FakeAnswer.Json(
            new(page, start + page.Count < all.Count ? page[^1].Id.ToString("N") : null), WireJson.Default.UsageEventPage);
    }

    public static FakeAnswer Export(Call call)
    {
        var month = call.Month() ?? AccountState.MonthOf(call.Now);
        var csv = new StringBuilder(
            "id,event_type,library,tier,quantity,files_changed,tokens_used,month,occurred_at,recorded_at,reservation_id,late,metadata,"
            + "key_id\r\n");
        foreach (var usage in EventsOf(call, month).Select(static recorded => recorded.Event))
        {
            csv.AppendJoin(
                ',',
                usage.Id,
                usage.EventType,
                Field(usage.Library),
                usage.Tier,
                usage.Quantity,
                usage.FilesChanged,
                usage.TokensUsed,
                usage.Month,
                Instant(usage.OccurredAt),
                Instant(usage.RecordedAt),
                usage.ReservationId,
                usage.Late ? "true" : "false",
                Field(usage.Metadata.GetRawText()),
                usage.KeyId).Append("\r\n");
        }

        return new(200, "text/csv; charset=utf-8", Encoding.UTF8.GetBytes(csv.ToString()))
        {
            Headers = [("Content-Disposition", $"attachment; filename=\"pyresolve-usage-{month}.csv\"")],
        };
    }

    private static List<LedgerEvent> EventsOf(Call call, string month) =>
        call.Account.Events.FindAll(recorded => recorded.Event.Month == month);

    private static MonthlyUsage Totals(string month, List<LedgerEvent> events) => new(
        month,
        events.Sum(static recorded => (long)recorded.Migrations),
        events.Where(static recorded => recorded.Event.Tier == "tier1").Sum(static recorded => (long)recorded.Migrations),
        events.Where(static recorded => recorded.Event.Tier is "tier2" or "tier3").Sum(static recorded => (long)recorded.Migrations),
        events.Sum(static recorded => (long)recorded.Event.TokensUsed),
        events.Sum(static recorded => (long)recorded.Event.FilesChanged));

    private static List<LibraryUsage> Libraries(List<LedgerEvent> events)
    {
        var libraries = (from recorded in events
                         group recorded by recorded.Event.Library into library
                         let migrations = library.Sum(static recorded => (long)recorded.Migrations)
                         where migrations > 0
                         select new LibraryUsage(library.Key, migrations))
            .OrderByDescending(static library => library.Migrations)
            .ThenBy(static library => library.Library ?? "", StringComparer.Ordinal)
            .ToList();
        // Migrations without a library have their own entry, and are none of the others.
        var others = libraries.Where(static library => library.Library is not null).Skip(MostLibraries).ToList();
        if (others.Count == 0)
            return libraries;
        var other = new LibraryUsage("other", others.Sum(static library => library.Migrations)) { Libraries = others.Count };
        return [.. libraries.Except(others), other];
    }

    private static List<KeyUsage> Keys(AccountState account, List<LedgerEvent> events)
    {
        var all = (from recorded in events
                   group recorded by recorded.Event.KeyId into key
                   let migrations = key.Sum(static recorded => (long)recorded.Migrations)
                   where migrations > 0
                   orderby migrations descending, key.Key
                   select (Id: key.Key, Migrations: migrations)).ToList();
        var named = all.FindAll(static key => key.Id is not null);
        var keys = named.Take(MostKeys).Select(key => Describe(account.Keys.Find(one => one.Id == key.Id)!, key.Migrations)).ToList();
        if (named.Count > MostKeys)
        {
            var others = named.GetRange(MostKeys, named.Count - MostKeys);
            keys.Add(new KeyUsage(null, null, "other", others.Sum(static key => key.Migrations)) { Keys = others.Count });
        }

        keys.AddRange(all.Where(static key => key.Id is null).Select(static key => new KeyUsage(null, null, null, key.Migrations)));
        return keys;
    }

    private static KeyUsage Describe(FakeKey key, long migrations) => new(key.Id, key.Prefix, key.Name, migrations);

    private static string Instant(DateTimeOffset instant) => instant.UtcDateTime.ToString(InstantFormat, CultureInfo.InvariantCulture);

    /// <summary>A text that would start a formula in a spreadsheet gets an apostrophe before it.</summary>
    private static string Field(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return "";
        var harmless = text[0] is '=' or '+' or '-' or '@' ? "'" + text : text;
        return harmless.IndexOfAny([',', '"']) < 0 ? harmless : $"\"{string.Join("\"\"", harmless.Split('"'))}\"";
    }
}
