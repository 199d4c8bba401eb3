namespace PyResolve.Client.Tests;

public sealed class RouteTests
{
    private const string Session = "pyr_sess_0123456789";
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_key_is_sent_in_its_header_with_the_clients_name()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("GET /quota", Answer.Quota(2)).Client();

        var quota = await client.GetQuotaAsync(Cancellation);

        quota.MigrationsRemaining.ShouldBe(QuotaLimit.Of(3));
        var request = server.Requests.Single();
        request.Header("X-API-Key").ShouldBe(ScriptedServer.Key);
        request.Header("Authorization").ShouldBeNull();
        request.Header("User-Agent").ShouldNotBeNull().ShouldMatch(@"^pyresolve-dotnet/\d+\.\d+\.\d+$");
    }

    [Fact]
    public async Task Reservations_are_listed_page_by_page()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("GET /quota/reservations", request => Answer.Json(200, request.Query.Contains("cursor=next")
            ? """{"data":[],"next_cursor":null}"""
            : """{"data":[{"id":"00000000-0000-0000-0000-000000000001","state":"held"}],"next_cursor":"next"}"""));
        await using var client = server.Client();

        var held = new List<Guid>();
        await foreach (var reservation in client.EnumerateReservationsAsync("held", Cancellation))
            held.Add(reservation.Id);

        held.ShouldHaveSingleItem();
        server.Requests.Select(request => request.Query).ShouldBe(["?state=held", "?state=held&cursor=next"]);
    }

    [Fact]
    public async Task A_session_is_sent_instead_of_the_key()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("GET /auth/api-keys", Answer.Json(200, """{"data":[]}""")).On("POST /auth/logout", Answer.NoContent);
        await using var client = server.Client();

        (await client.ListApiKeysAsync(Session, Cancellation)).ShouldBeEmpty();
        await client.LogOutAsync(Session, Cancellation);

        server.Requests.ShouldAllBe(
            request => request.Header("Authorization") == "Bearer " + Session && request.Header("X-API-Key") == null);
    }

    [Fact]
    public async Task Public_routes_are_called_without_the_key()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("GET /", Answer.Json(200, """{"service":"PyResolve API","version":"0.1.0"}"""));
        server.On("GET /plans", Answer.Json(
            200, """{"data":[{"name":"enterprise","migrations_limit":"unlimited","llm_allowed":true,"price":null}]}"""));
        await using var client = server.Client();

        (await client.GetServiceAsync(Cancellation)).Version.ShouldBe("0.1.0");
        (await client.GetPlansAsync(Cancellation)).Single().MigrationsLimit.ShouldBe(QuotaLimit.Unlimited);

        server.Requests.ShouldAllBe(request => request.Header("X-API-Key") == null);
    }

    [Fact]
    public async Task A_path_before_the_routes_is_kept()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("GET /billing/v1/quota", Answer.Quota(0));
        await using var client = server.Client(options => options.ApiUrl = new(server.Url, "/billing/v1/"));

        (await client.GetQuotaAsync(Cancellation)).Plan.ShouldBe("free");
    }

    [Fact]
    public async Task Sign_up_and_log_in_send_no_credential_and_no_absent_field()
    {
        const string user = """{"id":"00000000-0000-0000-0000-000000000001","email":"ada@example.com","name":"ada","plan":"free"}""";
        await using var server = await ScriptedServer.StartAsync();
        const string session = """ "session_token":"pyr_sess_x","session_expires_at":"2026-11-23T00:00:00Z" """;
        server.On("POST /auth/signup", Answer.Json(201, $$"""{"user":{{user}},"api_key":"pyr_live_x",{{session}}}"""));
        server.On("POST /auth/login", Answer.Json(200, $$"""{"user":{{user}},{{session}}}"""));
        await using var client = server.Client();

        (await client.SignUpAsync(new() { Email = "ada@example.com", Password = "correct horse" }, Cancellation))
            .ApiKey.ShouldBe("pyr_live_x");
        (await client.LogInAsync(new() { Email = "ada@example.com", Password = "correct horse" }, Cancellation)).User.Plan.ShouldBe("free");

        server.Requests.ShouldAllBe(request => request.Body == """{"email":"ada@example.com","password":"correct horse"}""");
        server.Requests.ShouldAllBe(request => request.Header("X-API-Key") == null && request.Header("Content-Type") == "application/json");
    }

    [Fact]
    public async Task A_wrong_password_is_not_blamed_on_the_key()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("POST /auth/login", Answer.Problem(401, "unauthenticated", "Wrong email or password."))
            .Client();

        var exception = await Should.ThrowAsync<PyResolveException>(
            client.LogInAsync(new() { Email = "a@b.c", Password = "x" }, Cancellation));

        exception.Message.ShouldBe("Wrong email or password.");
    }

    [Fact]
    public async Task Keys_are_created_and_revoked()
    {
        var id = Guid.Parse("00000000-0000-0000-0000-00000000000a");
        await using var server = await ScriptedServer.StartAsync();
        server.On("POST /auth/api-keys", Answer.Json(201, $$"""
            {"id":"{{id}}","name":"ci","prefix":"pyr_live_0123456789a","scopes":["quota"],"expires_at":null,"api_key":"{{ScriptedServer.Key}}"}
            """));
        server.On($"DELETE /auth/api-keys/{id}", Answer.NoContent);
        await using var client = server.Client();

        var created = await client.CreateApiKeyAsync(new() { Name = "ci", Scopes = [Scopes.Quota] }, cancellationToken: Cancellation);
        await client.RevokeApiKeyAsync(created.Id, cancellationToken: Cancellation);

        created.ToString().ShouldNotContain(ScriptedServer.Key);
        server.Requests[0].Body.ShouldBe("""{"name":"ci","scopes":["quota"]}""");
        server.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Pages_of_billing_are_opened()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("POST /billing/checkout", Answer.Json(200, """{"checkout_url":"https://pay.example/1"}"""));
        server.On("GET /billing/portal", Answer.Json(200, """{"portal_url":"https://pay.example/2"}"""));
        await using var client = server.Client();

        (await client.StartCheckoutAsync("pro", Cancellation)).CheckoutUrl.ShouldBe("https://pay.example/1");
        (await client.OpenPortalAsync(Cancellation)).PortalUrl.ShouldBe("https://pay.example/2");

        server.Requests[0].Body.ShouldBe("""{"plan":"pro"}""");
    }

    [Fact]
    public async Task Invoices_are_listed_from_a_cursor_on()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("GET /billing/invoices", Answer.Json(200, """
            {"data":[{"id":"in_8","number":"A-8","created_at":"2026-11-16T00:00:00Z","status":"paid","amount_due":1900,"amount_paid":1900,
             "currency":"usd","hosted_url":"https://invoice.example/8","pdf_url":null}],"next_cursor":null}
            """));
        await using var client = server.Client();

        var page = await client.ListInvoicesAsync("in_9", Cancellation);

        server.Requests[0].Query.ShouldBe("?cursor=in_9");
        page.Data.ShouldHaveSingleItem().AmountPaid.ShouldBe(1900);
        page.NextCursor.ShouldBeNull();
    }

    [Theory]
    [InlineData(true, 3)]
    [InlineData(false, 1)]
    public async Task A_batch_is_sent_again_only_if_each_event_has_an_id(bool withId, int times)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("POST /usage/batch", Answer.ConnectionClosed).Client();
        var usage = new UsageEventRequest { EventType = "scan", Id = withId ? Guid.CreateVersion7() : null };

        await Should.ThrowAsync<PyResolveException>(client.RecordUsageBatchAsync([usage, usage], Cancellation));

        server.Requests.Count.ShouldBe(times);
    }

    [Theory]
    [InlineData(null, 1)]
    [InlineData("mine", 3)]
    public async Task A_write_is_sent_again_only_if_it_has_an_id(string? idempotencyKey, int times)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("POST /quota/reservations", Answer.ConnectionClosed).Client();

        await Should.ThrowAsync<PyResolveException>(client.CreateReservationAsync(new() { Tier = "tier1" }, idempotencyKey, Cancellation));

        server.Requests.Count.ShouldBe(times);
        server.Requests.ShouldAllBe(request => request.Header("Idempotency-Key") == idempotencyKey);
    }
}
