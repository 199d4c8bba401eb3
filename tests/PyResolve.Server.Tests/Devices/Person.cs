namespace PyResolve.Server.Tests.Devices;

/// <summary>A browser as the server sees it: a cookie, forms, and headers that show where a form came from.</summary>
internal sealed class Person(TestServer server)
{
    /// <summary>What the server last set, such as <c>pyr_session=…; path=/; httponly</c>.</summary>
    public string? SetCookie { get; private set; }

    public string? Cookie => SetCookie?.Split(';')[0];

    private Dictionary<string, string> OwnPage =>
        new() { ["Sec-Fetch-Site"] = "same-origin", ["Origin"] = server.Address.GetLeftPart(UriPartial.Authority) };

    public static async Task<Person> SignedInAsync(TestServer server, TestAccount account)
    {
        var person = new Person(server);
        var answer = await person.SignInAsync(account.Email);
        answer.Status.ShouldBe(303, answer.Text);
        return person;
    }

    public Task<Answer> OpenAsync(string? userCode = null) =>
        GetAsync(userCode is null ? "/device" : $"/device?user_code={Uri.EscapeDataString(userCode)}");

    public Task<Answer> SignInAsync(string email, string password = TestAccount.Password, string? userCode = null) =>
        PostAsync(new() { ["action"] = "sign-in", ["email"] = email, ["password"] = password, ["user_code"] = userCode ?? "" });

    public Task<Answer> ApproveAsync(string userCode) => PostAsync(new() { ["action"] = "approve", ["user_code"] = userCode });

    public Task<Answer> DenyAsync(string userCode) => PostAsync(new() { ["action"] = "deny", ["user_code"] = userCode });

    public Task<Answer> SignOutAsync() => PostAsync(new() { ["action"] = "sign-out" });

    public Task<Answer> GetAsync(string path) => SendAsync(HttpMethod.Get, path, form: null, headers: null);

    /// <summary>A form of the page itself.</summary>
    public Task<Answer> SendFormAsync(string path, Dictionary<string, string> form) =>
        SendAsync(HttpMethod.Post, path, new FormUrlEncodedContent(form), OwnPage);

    /// <param name="form">The fields.</param>
    /// <param name="headers">Headers that show the origin of the form; default: those that a browser sends from the page itself.</param>
    public Task<Answer> PostAsync(Dictionary<string, string> form, Dictionary<string, string>? headers = null) =>
        PostBodyAsync(new FormUrlEncodedContent(form), headers);

    public Task<Answer> PostBodyAsync(HttpContent body, Dictionary<string, string>? headers = null) =>
        SendAsync(HttpMethod.Post, "/device", body, headers ?? OwnPage);

    private async Task<Answer> SendAsync(HttpMethod method, string path, HttpContent? form, Dictionary<string, string>? headers)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative)) { Content = form };
        foreach (var (name, value) in headers ?? [])
            request.Headers.TryAddWithoutValidation(name, value);
        if (Cookie is not null)
            request.Headers.TryAddWithoutValidation("Cookie", Cookie);
        var response = await server.Http.SendAsync(request);
        if (response.Headers.TryGetValues("Set-Cookie", out var cookies))
            SetCookie = cookies.Single();
        return await Answer.ReadAsync(response);
    }
}
