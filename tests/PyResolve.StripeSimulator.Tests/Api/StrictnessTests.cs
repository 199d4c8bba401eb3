using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Tests.Api;

public sealed class StrictnessTests : IAsyncLifetime
{
    private Stage _stage = null!;

    public async ValueTask InitializeAsync() => _stage = await Stage.SetAsync();

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Theory]
    [InlineData("/v1/customers", "nonsense=1", "parameter_unknown", "nonsense")]
    [InlineData("/v1/customers", "metadata=x", null, "metadata")]
    [InlineData("/v1/customers", "email=", "parameter_invalid_empty", "email")]
    [InlineData("/v1/customers", "email[a]=x", null, "email")]
    [InlineData("/v1/customers", "email=a&email=b", null, "email")]
    [InlineData("/v1/customers", "metadata[a=1", null, "metadata[a")]
    [InlineData("/v1/products", "", "parameter_missing", "name")]
    [InlineData("/v1/prices", "product=x&unit_amount=1", "parameter_missing", "currency")]
    [InlineData("/v1/prices", "currency=usd&unit_amount=x&product=y", "parameter_invalid_integer", "unit_amount")]
    [InlineData("/v1/prices", "currency=usd&product=y&recurring[usage_type]=licensed", "parameter_missing", "recurring[interval]")]
    [InlineData("/v1/prices", "currency=usd&product=y&recurring[interval]=fortnight", null, "recurring[interval]")]
    [InlineData("/v1/checkout/sessions", "mode=subscription&success_url=http://x/", "parameter_missing", "line_items")]
    [InlineData("/v1/checkout/sessions", "line_items[0][prize]=x", "parameter_unknown", "line_items[0][prize]")]
    [InlineData("/v1/checkout/sessions", "line_items[price]=x", "parameter_unknown", "line_items[price]")]
    [InlineData("/v1/checkout/sessions", "automatic_tax[liability]=x", "parameter_unknown", "automatic_tax[liability]")]
    [InlineData("/v1/checkout/sessions", "ui_mode=hosted", "parameter_unknown", "ui_mode")]
    [InlineData("/v1/billing_portal/sessions", "return_url=http://x/", "parameter_missing", "customer")]
    [InlineData("/v1/billing_portal/sessions", "customer=cus_nobody", "resource_missing", "customer")]
    [InlineData("/v1/webhook_endpoints", "url=http://x/", "parameter_missing", "enabled_events")]
    [InlineData("/v1/webhook_endpoints", "url=nowhere&enabled_events[]=*", "url_invalid", "url")]
    [InlineData("/v1/test_helpers/test_clocks", "", "parameter_missing", "frozen_time")]
    [InlineData("/v1/test_helpers/test_clocks", "frozen_time=9223372036854775807", "parameter_invalid_integer", "frozen_time")]
    [InlineData("/v1/test_helpers/test_clocks", "frozen_time=-1", "parameter_invalid_integer", "frozen_time")]
    public async Task A_malformed_request_is_refused_with_the_parameters_name(string path, string form, string? code, string param)
    {
        var refused = await _stage.Api.PostAsync(path, form);

        refused.Status.ShouldBe(400, refused.Json.ToString());
        refused.ErrorType.ShouldBe("invalid_request_error");
        refused.ErrorCode.ShouldBe(code);
        refused.ErrorParam.ShouldBe(param);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("sk_test_another")]
    [InlineData("sk_live_0123456789")]
    [InlineData("pk_test_simulator")]
    public async Task A_wrong_key_is_refused_and_not_repeated(string? key)
    {
        using var api = new StripeCaller(_stage.Host.Address, key);

        var refused = await api.GetAsync("/v1/customers");

        refused.Status.ShouldBe(401);
        refused.ErrorType.ShouldBe("invalid_request_error");
        refused.Json.ToString().ShouldNotContain(key ?? "Bearer sk");
        refused.Header("Request-Id").ShouldStartWith("req_");
    }

    [Fact]
    public async Task The_key_may_be_sent_as_a_user_name()
    {
        using var http = new HttpClient { BaseAddress = _stage.Host.Address };
        http.DefaultRequestHeaders.Authorization = new("Basic", Convert.ToBase64String("sk_test_simulator:"u8));

        using var answer = await http.GetAsync("/v1/customers", TestContext.Current.CancellationToken);

        answer.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("/v1/nonsense")]
    [InlineData("/v1/customers/cus_1/nonsense")]
    public async Task An_unknown_address_is_404(string path) =>
        (await _stage.Api.GetAsync(path)).At("error.message").GetString().ShouldStartWith($"Unrecognized request URL (GET: {path})");

    [Fact]
    public async Task What_the_simulator_lacks_is_not_told_as_if_Stripe_lacked_it()
    {
        var call = await _stage.Api.GetAsync("/v1/quotes");
        var parameter = await _stage.Api.PostAsync("/v1/checkout/sessions", _stage.CheckoutForm() + "&custom_text[submit][message]=x");
        var value = await _stage.Api.PostAsync("/v1/invoices", "collection_method=send_invoice");

        call.At("error.message").GetString().ShouldBe(
            "Unrecognized request URL (GET: /v1/quotes). The simulator does not have this call; Stripe may.");
        parameter.At("error.message").GetString().ShouldBe("The simulator does not have this parameter: custom_text. Stripe may.");
        value.At("error.message").GetString().ShouldBe(
            "Invalid collection_method: the simulator has only charge_automatically. Stripe may have others.");
    }

    [Fact]
    public async Task A_missing_object_is_404_in_the_path_and_400_in_a_parameter()
    {
        var inPath = await _stage.Api.GetAsync("/v1/subscriptions/sub_nothing");
        var inParameter = await _stage.Api.PostAsync("/v1/checkout/sessions", _stage.CheckoutForm("cus_nobody"));

        (inPath.Status, inPath.ErrorCode).ShouldBe((404, "resource_missing"));
        (inParameter.Status, inParameter.ErrorCode, inParameter.ErrorParam).ShouldBe((400, "resource_missing", "customer"));
        inParameter.At("error.message").GetString().ShouldBe("No such customer: 'cus_nobody'");
    }

    [Fact]
    public async Task A_body_of_another_type_is_refused()
    {
        using var http = new HttpClient { BaseAddress = _stage.Host.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", _stage.Host.SecretKey);
        using var json = new StringContent("""{"email":"ada@example.com"}""", System.Text.Encoding.UTF8, "application/json");

        using var refused = await http.PostAsync("/v1/customers", json, TestContext.Current.CancellationToken);

        refused.StatusCode.ShouldBe(System.Net.HttpStatusCode.BadRequest);
    }
}
