using System.Globalization;
using System.Text;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Pages;

/// <summary>What happened, what was sent, and what the endpoints answered.</summary>
internal static class EventPages
{
    private const int MostShown = 300;

    public static void MapEventPages(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/events", static http => AnswerAsync(http, static state => new Page("Events", $"""
            <p><a class="back" href="/">Controls</a></p>
            <h1>Events</h1>
            <section class="card">{Table(state, MostShown)}</section>
            """)));
        routes.MapGet("/events/{id}", static http => AnswerAsync(http, state =>
            state.Events.Find((string)http.Request.RouteValues["id"]!) is { } found
                ? View(state, found)
                : Page.Message("No such event", $"<p>The simulator keeps events for 30 days, and forgets everything when it stops.</p>")));
    }

    /// <summary>Newest first.</summary>
    public static Html Table(StripeState state, int count)
    {
        var events = state.Events.NewestFirst.Take(count).ToList();
        if (events.Count == 0)
            return $"<p>Nothing has happened yet.</p>";
        var attempts = state.Deliveries.Attempts.ToLookup(static attempt => attempt.Event.Id, StringComparer.Ordinal);
        return $"""
            <table>
            <thead><tr><th scope="col">Event</th><th scope="col">When</th><th scope="col">Answer</th></tr></thead>
            <tbody>
            {Html.Join(events.Select(one => Row(state, one, attempts[one.Id].LastOrDefault())))}
            </tbody>
            </table>
            """;
    }

    public static string Answer(int status) =>
        status == 0 ? "no answer" : status.ToString(CultureInfo.InvariantCulture);

    private static Html Row(StripeState state, StripeEvent one, DeliveryAttempt? last) => $"""
        <tr>
        <td><a href="/events/{one.Id}">{one.Type}</a><small>{(string?)one.Subject["id"]}</small></td>
        <td>{Time(one.Created)}</td>
        <td>{Outcome(state, one, last)}</td>
        </tr>
        """;

    private static string Outcome(StripeState state, StripeEvent one, DeliveryAttempt? last)
    {
        var waiting = state.Deliveries.Waiting.FirstOrDefault(delivery => delivery.Event == one);
        return (last, waiting) switch
        {
            (null, { IsHeld: true }) => "held",
            (null, not null) => "waiting",
            (null, null) => one.IsLost ? "lost" : "not sent",
            _ => Answer(last.Status),
        };
    }

    private static Page View(StripeState state, StripeEvent one)
    {
        var attempts = state.Deliveries.Attempts.Where(attempt => attempt.Event == one).ToList();
        return new Page(one.Type, $"""
            <p><a class="back" href="/events">Events</a></p>
            <h1>{one.Type}</h1>
            <section class="card">
            <h2>Sent</h2>
            <p>{one.Id}<small>{Time(one.Created)}</small></p>
            {(attempts.Count == 0 ? Html.Of($"<p>{Unsent(state, one)}</p>") : Html.Join(attempts.Select(Attempt)))}
            <div class="actions">{CommandForms.Button($"events/{one.Id}/resend", "Send it again")}</div>
            </section>
            <section class="card">
            <h2>Payload</h2>
            <pre tabindex="0">{Encoding.UTF8.GetString(Json.Bytes(one.Render()))}</pre>
            </section>
            """);
    }

    private static string Unsent(StripeState state, StripeEvent one) => Outcome(state, one, last: null) switch
    {
        "held" => "It is held back until somebody delivers it.",
        "waiting" => "It waits for delivery.",
        "lost" => "It was lost on purpose: nobody gets it.",
        _ => "No endpoint got it: none takes this type, or its delivery was dropped.",
    };

    private static Html Attempt(DeliveryAttempt attempt) => $"""
        <article>
        <p class="plan"><strong>{Answer(attempt.Status)}</strong>
        <span class="status">attempt {attempt.Number}</span></p>
        <p>{attempt.Url}<small>{Time(attempt.At.ToUnixTimeSeconds())}</small></p>
        {(attempt.Answer.Length == 0 ? null : Html.Of($"""<pre tabindex="0">{attempt.Answer}</pre>"""))}
        </article>
        """;

    private static string Time(long instant) =>
        DateTimeOffset.FromUnixTimeSeconds(instant).ToString("MMM d, yyyy, HH:mm:ss", CultureInfo.InvariantCulture);

    private static Task AnswerAsync(HttpContext http, Func<StripeState, Page> answer)
    {
        var state = http.RequestServices.GetRequiredService<StripeState>();
        Page page;
        lock (state.Gate)
        {
            DueChanges.Apply(state);
            page = answer(state);
        }

        return page.WriteAsync(http);
    }
}
