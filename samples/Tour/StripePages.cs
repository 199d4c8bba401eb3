using System.Net;
using System.Text.RegularExpressions;

namespace Tour;

/// <summary>Sends the requests that a browser would send to the Stripe simulator's pages.</summary>
internal sealed partial class StripePages : IDisposable
{
    // It follows no redirect back to the server, so that the server learns of everything from webhooks.
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false });

    /// <summary>Pays on a checkout page with a card that works.</summary>
    /// <returns>The page's heading.</returns>
    public async Task<string> PayAsync(Uri checkout, CancellationToken cancellationToken)
    {
        var page = await OpenAsync(checkout, cancellationToken);
        await SendAsync(checkout, cancellationToken, ("card", "works"));
        return Heading.Match(page).Groups["text"].Value;
    }

    /// <summary>Cancels in the portal, at the end of the paid month.</summary>
    public async Task CancelAsync(Uri portal, CancellationToken cancellationToken)
    {
        var page = new Uri($"{portal}/cancel");
        await OpenAsync(page, cancellationToken);
        await SendAsync(page, cancellationToken);
    }

    /// <summary>Moves the simulator's clock by a month, like the button on its home page.</summary>
    public Task LetAMonthPassAsync(Uri anyPage, CancellationToken cancellationToken) =>
        SendAsync(new Uri(anyPage, "/simulator/clock/advance"), cancellationToken, ("months", "1"));

    public void Dispose() => _http.Dispose();

    private async Task<string> OpenAsync(Uri page, CancellationToken cancellationToken)
    {
        using var answer = await AskAsync(() => _http.GetAsync(page, cancellationToken), page);
        if (answer.StatusCode != HttpStatusCode.OK)
            throw new TourException($"{page} answered {(int)answer.StatusCode}.");
        return await answer.Content.ReadAsStringAsync(cancellationToken);
    }

    private async Task SendAsync(Uri page, CancellationToken cancellationToken, params (string Name, string Value)[] fields)
    {
        using var form = new FormUrlEncodedContent(fields.Select(static field => KeyValuePair.Create(field.Name, field.Value)));
        using var answer = await AskAsync(() => _http.PostAsync(page, form, cancellationToken), page);
        if (answer.StatusCode is not (HttpStatusCode.Found or HttpStatusCode.SeeOther))
            throw new TourException($"{page} answered the form with {(int)answer.StatusCode}.");
    }

    private static async Task<HttpResponseMessage> AskAsync(Func<Task<HttpResponseMessage>> ask, Uri page)
    {
        try
        {
            return await ask();
        }
        catch (HttpRequestException e)
        {
            throw new TourException($"{page} cannot be reached: {e.Message}");
        }
    }

    [GeneratedRegex("<h1>(?<text>[^<]*)</h1>", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Heading { get; }
}
