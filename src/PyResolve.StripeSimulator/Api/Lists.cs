using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Api;

/// <summary>Pages of lists: newest first, with ids as cursors.</summary>
internal static class Lists
{
    private const int DefaultLimit = 10;
    private const int GreatestLimit = 100;

    public static int LimitOf(Form form)
    {
        var limit = form.Number("limit") ?? DefaultLimit;
        return limit is >= 1 and <= GreatestLimit
            ? (int)limit
            : throw ApiErrorException.Invalid(
                $"This value must be between 1 and {GreatestLimit} (it currently is '{limit}').",
                "limit");
    }

    public static JsonObject Page<T>(ApiCall call, string url, string kind, IEnumerable<T> all)
        where T : StripeObject
    {
        var form = call.Form;
        var limit = LimitOf(form);
        var items = all.ToList();
        if (form.Has("starting_after") && form.Has("ending_before"))
            throw ApiErrorException.Invalid("You cannot use both 'starting_after' and 'ending_before'.", "ending_before");
        if (form.Text("ending_before") is { } before)
        {
            var end = IndexOf(items, before, kind, "ending_before");
            var start = Math.Max(end - limit, 0);
            return Shapes.List(url, items[start..end].Select(static item => item.Render()), start > 0);
        }

        var from = form.Text("starting_after") is { } after ? IndexOf(items, after, kind, "starting_after") + 1 : 0;
        return Shapes.List(url, items.Skip(from).Take(limit).Select(static item => item.Render()), items.Count > from + limit);
    }

    /// <summary>Whether an instant is within <c>name=…</c> or <c>name[gte]=…</c>.</summary>
    public static bool MatchesRange(Form form, string name, long instant) => form.Find(name) is not { } range
        || (range.Value is not null
            ? form.Number(name) == instant
            : !(range.Number("gt") >= instant) && !(range.Number("gte") > instant) && !(range.Number("lt") <= instant)
                && !(range.Number("lte") < instant));

    public static bool Matches(Form form, string name, string? value) => form.Text(name) is not { } wanted || wanted == value;

    private static int IndexOf<T>(List<T> items, string id, string kind, string param)
        where T : StripeObject
        => items.FindIndex(item => item.Id == id) is >= 0 and var index ? index : throw ApiErrorException.Missing(kind, id, param);
}
