using System.Globalization;
using PyResolve.Client.Wire;
using PyResolve.Server.Http;
using PyResolve.Server.Statistics;

namespace PyResolve.Server.Site;

/// <summary>The filters of the list of events as a person wrote them. Empty and absent are the same.</summary>
internal sealed record EventQuery(
    string? Month, string? Library, string? Tier, string? EventType, string? Key, string? From, string? To)
{
    private const int MaxEventType = 64;
    private const string DateFormat = "yyyy-MM-dd";
    private const int FirstYear = 2000;
    private const int LastYear = 2999;

    public bool IsEmpty => this == new EventQuery(null, null, null, null, null, null, null);

    public static EventQuery Read(IQueryCollection query)
    {
        return new EventQuery(Of("month"), Of("library"), Of("tier"), Of("type"), Of("key"), Of("from"), Of("to"));

        string? Of(string name) => query[name].ToString() is { Length: > 0 } value ? value : null;
    }

    /// <summary>A path from the root.</summary>
    public string LinkTo(EventPosition? after) => UsageText.Link(
        "app/usage/events", ("month", Month), ("library", Library), ("tier", Tier), ("type", EventType), ("key", Key), ("from", From),
        ("to", To), ("cursor", after?.ToCursor()));

    /// <summary>Valid only if no error was added.</summary>
    public EventFilter ToFilter(FieldErrors errors)
    {
        if (Month is not null && !IsUsableMonth(Month))
            errors.Add("month", ProblemTexts.NotAMonth);
        errors.Text("library", Library, FieldErrors.LongestLibrary);
        errors.Tier("tier", Tier, required: false);
        errors.Text("type", EventType, MaxEventType);
        var key = Guid.TryParseExact(Key, "D", out var id) ? id : (Guid?)null;
        if (Key is not null && key is null)
            errors.Add("key", "is not the id of a key.");
        var (from, to) = (DateOf("from", From, errors), DateOf("to", To, errors));
        if (to < from)
            errors.Add("to", "is before the first day.");
        return new EventFilter(Month, Library, Tier, EventType, key, from, to);
    }

    /// <summary>Also checks that the months before and after exist.</summary>
    public static bool IsUsableMonth(string month) =>
        StatisticsQuery.IsMonth(month) && int.Parse(month.AsSpan(0, 4), CultureInfo.InvariantCulture) is >= FirstYear and <= LastYear;

    private static DateOnly? DateOf(string field, string? text, FieldErrors errors)
    {
        if (text is null)
            return null;
        if (DateOnly.TryParseExact(text, DateFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
            && date.Year is >= FirstYear and <= LastYear)
        {
            return date;
        }

        errors.Add(field, "must be a day, such as 2026-11-23.");
        return null;
    }
}
