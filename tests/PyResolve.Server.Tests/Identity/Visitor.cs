namespace PyResolve.Server.Tests.Identity;

/// <summary>A browser that goes to other services and back. It keeps the server's cookies, and follows redirects step by step.</summary>
internal sealed class Visitor(TestServer server)
{
    private readonly Dictionary<string, string> _cookies = [];

    /// <summary>Where it is: the server, or another instance of it.</summary>
    public TestServer Server { get; set; } = server;

    public string? Session => _cookies.GetValueOrDefault("pyr_session");

    public Task<Answer> GetAsync(string path) => SendAsync(HttpMethod.Get, path, form: null);

    public Task<Answer> SendFormAsync(string path, Dictionary<string, string> form) => SendAsync(HttpMethod.Post, path, form);

    /// <summary>Presses the button.</summary>
    /// <returns>The issuer's page.</returns>
    public async Task<Uri> BeginAsync(string next = "", string service = "example-login")
    {
        var answer = await GetAsync($"/sign-in/with/{service}{(next.Length > 0 ? $"?next={Uri.EscapeDataString(next)}" : "")}");
        answer.Status.ShouldBe(302, answer.Text);
        return answer.Headers.Location!;
    }

    /// <summary>Signs in at the issuer.</summary>
    /// <returns>Where the issuer sends the browser, at the server.</returns>
    public async Task<string> AuthorizeAsync(Uri page)
    {
        using var response = await Server.Http.GetAsync(page);
        response.StatusCode.ShouldBe(System.Net.HttpStatusCode.Redirect);
        return response.Headers.Location!.PathAndQuery;
    }

    public async Task<Answer> SignInAsync(string next = "") => await GetAsync(await AuthorizeAsync(await BeginAsync(next)));

    private async Task<Answer> SendAsync(HttpMethod method, string path, Dictionary<string, string>? form)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        if (form is not null)
        {
            request.Content = new FormUrlEncodedContent(form);
            request.Headers.TryAddWithoutValidation("Sec-Fetch-Site", "same-origin");
        }

        if (_cookies.Count > 0)
            request.Headers.TryAddWithoutValidation("Cookie", string.Join("; ", _cookies.Select(cookie => $"{cookie.Key}={cookie.Value}")));
        var response = await Server.Http.SendAsync(request);
        foreach (var cookie in response.Headers.TryGetValues("Set-Cookie", out var set) ? set : [])
            Keep(cookie);
        return await Answer.ReadAsync(response);
    }

    private void Keep(string setCookie)
    {
        var pair = setCookie.Split(';')[0].Split('=', 2);
        if (pair[1].Length == 0)
            _cookies.Remove(pair[0]);
        else
            _cookies[pair[0]] = pair[1];
    }
}
