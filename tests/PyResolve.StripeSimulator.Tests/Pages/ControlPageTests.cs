using System.Net;
using System.Text.RegularExpressions;
using PyResolve.StripeSimulator.Control;

namespace PyResolve.StripeSimulator.Tests.Pages;

/// <summary>The home page and the pages of events, without a browser: forms and links alone.</summary>
public sealed partial class ControlPageTests : IAsyncLifetime
{
    private static readonly Dictionary<string, string> NotOnThePage = new(StringComparer.Ordinal)
    {
        ["checkout/{id}/pay"] = "the checkout page has it",
        ["events"] = "it takes an object as JSON",
        ["events/{id}/resend"] = "the page of the event has it",
    };

    private Stage _stage = null!;
    private HttpClient _http = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _stage = await Stage.SetAsync();
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = _stage.Host.Address };
        _http.DefaultRequestHeaders.Accept.ParseAdd("text/html");
    }

    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return _stage.DisposeAsync();
    }

    [Fact]
    public async Task An_event_shows_its_payload_each_attempt_and_what_the_endpoint_answered()
    {
        var (receiver, _) = await _stage.ListenAsync("customer.created");
        await using var listening = receiver;
        (receiver.Status, receiver.Answer) = (503, "try <later>");
        var customer = _stage.Simulation.AddCustomer("ada@example.com");
        await _stage.Simulation.Webhooks.WhenIdleAsync(Cancellation);
        (receiver.Status, receiver.Answer) = (200, "thanks");
        _stage.Simulation.Advance(TimeSpan.FromSeconds(5));
        await _stage.Simulation.Webhooks.WhenIdleAsync(Cancellation);

        var page = await GetAsync(await FindAsync("customer.created"));

        WebUtility.HtmlDecode(page).ShouldContain("\"email\": \"ada@example.com\"");
        page.ShouldContain(customer);
        page.ShouldContain("try &lt;later&gt;");
        page.ShouldContain("thanks");
        AttemptNumber().Matches(page).Select(static match => match.Value).ShouldBe(["attempt 1", "attempt 2"]);
    }

    [Theory]
    [InlineData("lose", "lost", 0)]
    [InlineData("hold", "held", 0)]
    [InlineData("duplicate", "200", 2)]
    public async Task The_next_event_is_lost_held_or_sent_twice(string fate, string shown, int received)
    {
        var (receiver, _) = await _stage.ListenAsync("customer.created");
        await using var listening = receiver;
        (await SendAsync("/simulator/events/next", $"fate={fate}")).ShouldBe(HttpStatusCode.Redirect);
        _stage.Simulation.AddPrice("Unheard", 100);

        _stage.Simulation.AddCustomer();
        await _stage.Simulation.Webhooks.WhenIdleAsync(Cancellation);

        receiver.Received.Count.ShouldBe(received);
        (await GetAsync("/events")).ShouldContain($"<td>{shown}</td>");
        _stage.Simulation.AddCustomer();
        await _stage.Simulation.Webhooks.WhenIdleAsync(Cancellation);
        receiver.Received.Count.ShouldBe(received + 1);
    }

    [Fact]
    public async Task Every_form_of_the_page_does_something()
    {
        var subscription = ShowEverything();

        var forms = await FormsAsync();
        foreach (var (action, fields) in forms.Where(static form => !form.Action.EndsWith("/drop", StringComparison.Ordinal)))
        {
            var status = await SendAsync(action, fields);
            // Nothing was paid for a trial, and a payment is taken back once.
            if (action.EndsWith("/refund", StringComparison.Ordinal) || action.EndsWith("/dispute", StringComparison.Ordinal))
                status.ShouldBeOneOf(HttpStatusCode.Redirect, HttpStatusCode.NotFound);
            else
                status.ShouldBe(HttpStatusCode.Redirect, $"{action} {fields}");
        }

        _stage.Simulation.Subscription(subscription).Status.ShouldBe("canceled");
    }

    [Fact]
    public async Task Every_command_has_a_form_on_the_page()
    {
        var forms = await FormsAsync();
        ShowEverything();
        forms.AddRange(await FormsAsync());

        var shown = forms.Select(static form => Id().Replace(form.Action["/simulator/".Length..], "{id}")).Distinct();

        shown.ShouldBe([.. ControlEndpoints.Paths.Except(NotOnThePage.Keys), "deliveries/{id}/deliver"], ignoreOrder: true);
    }

    [Theory]
    [InlineData("dispute", "/v1/disputes")]
    [InlineData("refund", "/v1/refunds")]
    public async Task A_payment_without_a_subscription_is_taken_back_by_a_button(string action, string list)
    {
        var customer = _stage.Simulation.AddCustomer("ada@example.com");
        (await _stage.Api.PostAsync(
            "/v1/payment_intents", $"amount=900&currency=usd&customer={customer}&payment_method=pm_card_visa&confirm=true")).Ok();
        var form = (await FormsAsync()).Single(form => form.Action.EndsWith($"/{action}", StringComparison.Ordinal));

        (await SendAsync(form.Action, form.Fields)).ShouldBe(HttpStatusCode.Redirect);

        (await _stage.Api.GetAsync(list)).Ok().At("data.0.amount").GetInt64().ShouldBe(900);
        (await GetAsync("/")).ShouldNotContain("<h2>Payments</h2>");
    }

    [Fact]
    public async Task The_page_says_whose_clock_it_moves() =>
        (await GetAsync("/")).ShouldContain("grace periods\nrun by it: a month here does not end them.");

    [Fact]
    public async Task A_button_that_comes_too_late_says_so_on_a_page()
    {
        using var answer = await _http.PostAsync("/simulator/subscriptions/sub_gone/cancel", null, Cancellation);

        answer.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await answer.Content.ReadAsStringAsync(Cancellation)).ShouldContain("That is not possible");
    }

    /// <summary>A subscription in each state for which the page has another form, a dispute, and pending deliveries.</summary>
    /// <returns>The subscription in its trial.</returns>
    private string ShowEverything()
    {
        var simulation = _stage.Simulation;
        simulation.AddWebhookEndpoint(new Uri("http://127.0.0.1:9/"), enabledEvents: "customer.subscription.created");
        simulation.Webhooks.Pause();
        var trial = simulation.Subscribe(simulation.AddCustomer(), _stage.Pro, trialDays: 3);
        simulation.Subscribe(simulation.AddCustomer(), _stage.Pro);
        simulation.Subscription(simulation.Subscribe(simulation.AddCustomer(), _stage.Pro)).FailPayment();
        simulation.Subscription(simulation.Subscribe(simulation.AddCustomer(), _stage.Pro)).CancelAtPeriodEnd();
        simulation.Subscription(simulation.Subscribe(simulation.AddCustomer(), _stage.Unlimited)).DisputePayment();
        return trial;
    }

    private async Task<string> FindAsync(string type) =>
        Regex.Match(await GetAsync("/"), $"""href="(?<path>/events/[^"]+)">{type}<""", RegexOptions.None, TimeSpan.FromSeconds(1))
            .Groups["path"].Value;

    private Task<string> GetAsync(string path) => _http.GetStringAsync(new Uri(path, UriKind.Relative), Cancellation);

    private async Task<HttpStatusCode> SendAsync(string action, string fields)
    {
        using var content = new StringContent(fields, System.Text.Encoding.UTF8, "application/x-www-form-urlencoded");
        using var answer = await _http.PostAsync(new Uri(action, UriKind.Relative), content, Cancellation);
        return answer.StatusCode;
    }

    /// <summary>What a browser would send: hidden fields, and the first of each list.</summary>
    private async Task<List<(string Action, string Fields)>> FormsAsync() => [.. Form().Matches(await GetAsync("/")).Select(static form =>
    {
        var hidden = Hidden().Matches(form.Value).Select(Pair);
        var chosen = Chosen().Matches(form.Value).Select(Pair);
        return (form.Groups["action"].Value, string.Join('&', hidden.Concat(chosen)));
    })];

    private static string Pair(Match field) => $"{field.Groups["name"].Value}={field.Groups["value"].Value}";

    [GeneratedRegex("""<form [^>]*action="(?<action>[^"]+)">.*?</form>""", RegexOptions.Singleline, 1000)]
    private static partial Regex Form();

    [GeneratedRegex("""<input type="hidden" name="(?<name>[^"]*)" value="(?<value>[^"]*)">""", RegexOptions.None, 1000)]
    private static partial Regex Hidden();

    [GeneratedRegex("""<select name="(?<name>[^"]*)"[^>]*>\s*<option value="(?<value>[^"]*)">""", RegexOptions.None, 1000)]
    private static partial Regex Chosen();

    [GeneratedRegex("(?<=/)[a-z]+_[^/]+", RegexOptions.None, 1000)]
    private static partial Regex Id();

    [GeneratedRegex("attempt [0-9]+", RegexOptions.None, 1000)]
    private static partial Regex AttemptNumber();
}
