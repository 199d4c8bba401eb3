using System.Globalization;
using PyResolve.Server.Billing;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using PyResolve.Server.Site;

namespace PyResolve.Server.Operators;

/// <summary>A page of the events. <c>Search</c>: the id of an event or of a customer; null: all.</summary>
internal sealed record EventTable(
    IReadOnlyList<InboxEvent> Events, string? State, string? Search, string? Next, bool IsFirstPage, bool MayReplay, string? Done,
    ProblemResult? Problem)
{
    public string Heading => (State, Search) switch
    {
        (null, null) => "The latest",
        ({ } state, null) => $"Those that are {state}",
        _ => "Those that match",
    };

    public PageLinks Links => new("events", IsFirstPage ? null : LinkTo(cursor: null), Next is null ? null : LinkTo(Next));

    /// <summary>The address of another page of the list, relative to the server's root.</summary>
    private string LinkTo(string? cursor) =>
        UsageText.Link("operator/events", ("state", State), ("q", Search), ("cursor", cursor));
}

/// <summary>The pages that show what Stripe sent, and what became of it.</summary>
internal static class EventPages
{
    private const int PageSize = 50;
    public const int MaxIdLength = 255;

    public static readonly IReadOnlyList<string> States = ["pending", "dead", "done", "ignored"];

    public static void MapEventPages(this IEndpointRouteBuilder pages)
    {
        pages.MapGet("/operator/events", static (HttpContext http, Inbox inbox) => PageAsync(http, inbox));
        pages.MapPost("/operator/events/replay", Replay).RequireAdmin();
    }

    private static async Task<IResult> Replay(HttpContext http, Inbox inbox)
    {
        var form = await FormBody.ReadAsync(http);
        var errors = new FieldErrors();
        var reason = AccountForms.ReadReason(form, errors);
        var id = form.Field("event");
        errors.Text("event", id, MaxIdLength);
        if (errors.Problem is { } invalid)
            return await PageAsync(http, inbox, new ProblemResult(invalid));
        var count = await inbox.ReplayAsync(id, OperatorAccess.OriginOf(http, reason), http.RequestAborted);
        return PageUrls.SeeOther(http, string.Create(CultureInfo.InvariantCulture, $"operator/events?replayed={count}"));
    }

    private static string? Said(string? replayed) =>
        !int.TryParse(replayed, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? null
        : count == 1 ? "1 event was put back. It is worked on within seconds."
        : $"{count} events were put back. They are worked on within seconds.";

    private static async Task<IResult> PageAsync(HttpContext http, Inbox inbox, ProblemResult? problem = null)
    {
        if (BillingProblems.CheckConfigured(http.RequestServices.GetRequiredService<BillingOptions>()) is { } missing)
            throw new ProblemException(missing.Problem);
        var query = http.Request.Query;
        var state = query["state"] is [{ } asked] && States.Contains(asked, StringComparer.Ordinal) ? asked : null;
        InboxPosition? before = null;
        if (query["cursor"] is [{ Length: > 0 } text])
            before = InboxPosition.Parse(text) ?? throw new ProblemException(Problems.Malformed("The cursor is not one of this list."));
        var search = query["q"].ToString().Trim() is { Length: > 0 } typed ? typed : null;
        if (search is { Length: > MaxIdLength } || !FieldErrors.IsPlainText(search ?? ""))
            throw new ProblemException(Problems.Malformed("Search for the id of an event, or of a customer."));
        var found = await inbox.ListAsync(state, PageSize + 1, http.RequestAborted, before, search);
        List<InboxEvent> page = [.. found.Take(PageSize)];
        var next = found.Count > PageSize ? InboxPosition.Of(page[^1]).ToCursor() : null;
        var model = new EventTable(
            page, state, search, next, IsFirstPage: before is null, http.Operator().IsAdmin, Said(query["replayed"]), problem);
        return OperatorPages.Page(http, "Events from Stripe", new Operators_EventsPage { Model = model }, problem);
    }
}
