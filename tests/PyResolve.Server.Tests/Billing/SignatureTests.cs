using System.Globalization;
using System.Text;
using PyResolve.Server.Billing.Webhooks;

namespace PyResolve.Server.Tests.Billing;

/// <summary>Only bodies that Stripe signed, unchanged and within five minutes, are accepted.</summary>
public sealed class SignatureTests
{
    private const string Secret = "whsec_4eC39HqLyjWDarjtT1zdp7dc";
    private const long Signed = 1_763_208_000;

    private const string Body = """{"id":"evt_1","object":"event","note":"é – 😀","spaces":  "kept"}""";

    /// <summary>The body of the first vector, which is also in the tests of Stripe's own library.</summary>
    private const string EventOfStripesOwnTests =
        "{\n  \"id\": \"evt_123\",\n  \"object\": \"event\",\n  \"account\": \"acct_123\",\n  \"api_version\": \"2017-05-25\",\n"
            + "  \"created\": 1533204620,\n"
        + "  \"data\": {\n    \"object\": {\n      \"id\": \"cus_123\",\n      \"object\": \"customer\",\n"
        + "      \"created\": 123456789,\n      \"email\": \"test@stripe.com\",\n"
        + "      \"livemode\": false,\n      \"metadata\": {}\n    }\n  },\n  \"livemode\": false,\n  \"pending_webhooks\": 1,\n"
        + "  \"request\": {\n    \"id\": \"req_123\",\n    \"idempotency_key\": \"idempotency-key-123\"\n  },\n"
        + "  \"type\": \"customer.created\"\n}\n";

    /// <summary>
    /// Made by another tool, OpenSSL 3.0: <c>printf '%s' "$time.$body" | openssl dgst -sha256 -hmac "$secret"</c>.
    /// </summary>
    public static TheoryData<string, string, string, string> Vectors { get; } = new()
    {
        { "webhook_secret", "1533204620", EventOfStripesOwnTests, "2220f87ef101a04665f11cdf770523143f875572008577fa0f20882ddb9cc3c7" },
        {
            "whsec_4eC39HqLyjWDarjtT1zdp7dc",
            "1763208000",
            """{"id":"evt_1","object":"event","type":"customer.subscription.updated","livemode":false}""",
            "ef19cfc34b92c794bf3ca5470645088bf47897004e91c2fb6728a676ab391d2b"
        },
        {
            "whsec_4eC39HqLyjWDarjtT1zdp7dc",
            "1763208000",
            """{"id":"evt_2",  "note":"é – 😀 \\u00e9"}""",
            "0a8240e1e6ab976302846f8e4bbbc73817e63775e032ae6c9b833ee7b28160ae"
        },
        { "k", "0", """{}""", "c847cd2c51e393092098d6126ed5aeb9ddbe946df3a0b7cb9e9a8a34fadb2cc7" },
        {
            "secret with a blank, and a comma",
            "4102444800",
            """[1,2.50,"three"]""",
            "dbcf465bfe4a8e87b1dc8109b35d298ca2a186af5c59744d7f8dc3341213cb45"
        },
    };

    [Theory, MemberData(nameof(Vectors))]
    public void Signatures_made_by_another_tool_are_valid(string secret, string time, string body, string signature) =>
        StripeSignature.IsValid(
            $"t={time},v1={signature}", body, [secret], At(long.Parse(time, CultureInfo.InvariantCulture))).ShouldBeTrue();

    [Theory, MemberData(nameof(Vectors))]
    public void A_changed_bit_makes_a_signature_invalid(string secret, string time, string body, string signature)
    {
        var at = At(long.Parse(time, CultureInfo.InvariantCulture));
        var bytes = Encoding.UTF8.GetBytes(body);
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] ^= 1;
            StripeSignature.IsValid($"t={time},v1={signature}", Encoding.UTF8.GetString(bytes), [secret], at).ShouldBeFalse($"byte {i}");
            bytes[i] ^= 1;
        }

        StripeSignature.IsValid($"t={time},v1={signature}", $"{body}\n", [secret], at).ShouldBeFalse();
        StripeSignature.IsValid($"t={time},v1={signature}", Encoding.UTF8.GetString(bytes), [secret + "x"], at).ShouldBeFalse();
        StripeSignature.IsValid($"t={time}0,v1={signature}", Encoding.UTF8.GetString(bytes), [secret], at).ShouldBeFalse();
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(300, true)]
    [InlineData(-300, true)]
    [InlineData(301, false)]
    [InlineData(-301, false)]
    public void Five_minutes_are_tolerated_both_ways(int secondsLater, bool isValid) =>
        StripeSignature.IsValid(Header(), Body, [Secret], At(Signed + secondsLater)).ShouldBe(isValid);

    [Theory]
    [InlineData("{h}")]
    [InlineData(" {h} ")]
    [InlineData("t={t} , v1={v}")]
    [InlineData("v1={v},t={t}")]
    [InlineData("t={t},v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39,v1={v}")]
    [InlineData("t={t},v1=0000000000000000000000000000000000000000000000000000000000000000,v1={v}")]
    [InlineData("t={t},v1={v},v1=short")]
    [InlineData("t={t},t=1,v1={v}")]
    [InlineData("t={t},v1={v},v2=future")]
    public void A_header_with_a_valid_v1_is_accepted(string header) => IsValid(header).ShouldBeTrue();

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData(",")]
    [InlineData("{v}")]
    [InlineData("t={t}")]
    [InlineData("v1={v}")]
    [InlineData("t={t},v0={v}")]
    [InlineData("t={t},v1=")]
    [InlineData("t={t},v1={v},")]
    [InlineData("t={t},v1={v},broken")]
    [InlineData("t={t};v1={v}")]
    [InlineData("t:{t},v1:{v}")]
    [InlineData("T={t},V1={v}")]
    [InlineData("t=1,t={t},v1={v}")]
    [InlineData("t=,v1={v}")]
    [InlineData("t=now,v1={v}")]
    [InlineData("t=1763208000.0,v1={v}")]
    [InlineData("t=+1763208000,v1={v}")]
    [InlineData("t=-1763208000,v1={v}")]
    [InlineData("t=99999999999999999999,v1={v}")]
    [InlineData("t={t},v1={V}")]
    [InlineData("t={t},v1=\"{v}\"")]
    [InlineData("t={t},v1={v}0")]
    [InlineData("t={t},v1=é")]
    public void A_malformed_header_is_refused(string? header) => IsValid(header).ShouldBeFalse();

    [Theory]
    [InlineData("t=now")]
    [InlineData("t=99999999999999999999")]
    [InlineData("t= 1763208000")]
    public void A_time_that_is_not_a_number_is_refused_even_if_it_was_signed(string time)
    {
        var signature = BillingSigner.Hmac(Secret, Encoding.UTF8.GetBytes($"{time["t=".Length..]}.{Body}"));

        StripeSignature.IsValid($"{time},v1={signature}", Body, [Secret], At(Signed)).ShouldBeFalse();
    }

    [Fact]
    public void A_signature_with_any_of_several_secrets_is_valid()
    {
        StripeSignature.IsValid(Header(), Body, ["whsec_new", Secret], At(Signed)).ShouldBeTrue();
        StripeSignature.IsValid(Header(), Body, ["whsec_new"], At(Signed)).ShouldBeFalse();
    }

    [Fact]
    public void Without_a_secret_or_with_an_empty_one_no_signature_is_valid()
    {
        foreach (var secret in (string[])["", " "])
        {
            var header = $"t={Signed},v1={BillingSigner.Hmac(secret, Encoding.UTF8.GetBytes($"{Signed}.{Body}"))}";
            StripeSignature.IsValid(header, Body, [secret], At(Signed)).ShouldBeFalse();
            StripeSignature.IsValid(header, Body, [], At(Signed)).ShouldBeFalse();
        }
    }

    private static bool IsValid(string? header) => StripeSignature.IsValid(
        header?.Replace("{h}", Header(), StringComparison.Ordinal)
            .Replace("{t}", Signed.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{v}", Signature(), StringComparison.Ordinal)
            .Replace("{V}", Signature().ToUpperInvariant(), StringComparison.Ordinal),
        Body, [Secret], At(Signed));

    private static string Header() => $"t={Signed},v1={Signature()}";

    private static string Signature() => BillingSigner.Hmac(Secret, Encoding.UTF8.GetBytes($"{Signed}.{Body}"));

    private static DateTimeOffset At(long seconds) => DateTimeOffset.FromUnixTimeSeconds(seconds);
}
