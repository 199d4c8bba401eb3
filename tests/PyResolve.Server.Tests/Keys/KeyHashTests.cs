using System.Diagnostics;
using PyResolve.Server.Keys;

namespace PyResolve.Server.Tests.Keys;

public sealed class KeyHashTests
{
    private const string AbcHash = "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i";

    // From OpenBSD by way of jBCrypt, crypt_blowfish, Spring Security and passlib.
    public static readonly TheoryData<string, string> Published = new()
    {
        { "", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s." },
        { "", "$2a$08$HqWuK6/Ng6sg9gQzbLrgb.Tl.ZHfXLhvt/SgVyWhQqgqcZ7ZuUtye" },
        { "", "$2a$12$k42ZFHFWqBp3vWli.nIn8uYyIkbvYRvodzbfbK18SSsY.CsIQPlxO" },
        { "a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe" },
        { "a", "$2a$08$cfcvVd2aQ8CMvoMpP2EBfeodLEkkFJ9umNEfPD18.hUF62qqlC/V." },
        { "abc", AbcHash },
        { "abcdefghijklmnopqrstuvwxyz", "$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC" },
        { "~!@#$%^&*()      ~!@#$%^&*()PNBFRD", "$2a$06$fPIsBO8qRqkjj273rfaOI.HtSV9jLDpTbZn782DC6/t7qT67P6FfO" },
        { "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" },
        { "U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK" },
        { "U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a" },
        {
            "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored",
            "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"
        },
        { "ππππππππ", "$2a$10$.TtQJ4Jr6isd4Hp.mVfZeuh6Gws4rOQ/vdBczhDx.19NFK0Y84Dle" },
        { "táБℓə", "$2a$05$Z17AXnnlpzddNUvnC6cZNOSwMA/8oNiKnHTHTwLlBijfucQQlHjaG" },
    };

    [Theory]
    [MemberData(nameof(Published))]
    public void Published_hashes_verify_and_no_other_text_does(string text, string hash)
    {
        KeyHash.Verify(text, hash).ShouldBeTrue();
        KeyHash.Verify("x" + text, hash).ShouldBeFalse();
    }

    [Fact]
    public void A_new_hash_is_what_pgcrypto_writes_and_differs_each_time()
    {
        var hash = KeyHash.Create("secret");

        hash.ShouldMatch(@"\A\$2a\$06\$[./A-Za-z0-9]{53}\z");
        KeyHash.Verify("secret", hash).ShouldBeTrue();
        KeyHash.Create("secret").ShouldNotBe(hash);
    }

    [Theory]
    [InlineData("$2a$", true)]
    [InlineData("$2b$", true)]
    [InlineData("$2y$", true)]
    [InlineData("$2x$", false)]
    [InlineData("$2$0", false)]
    [InlineData("$1a$", false)]
    public void Three_names_of_the_algorithm_are_read(string name, bool isRead) =>
        KeyHash.Verify("abc", name + AbcHash[4..]).ShouldBe(isRead);

    [Theory]
    [InlineData(71)]
    [InlineData(72)]
    [InlineData(73)]
    public void Only_the_first_72_bytes_count(int length)
    {
        var text = new string('k', length);
        var hash = KeyHash.Create(text);

        KeyHash.Verify(text, hash).ShouldBeTrue();
        KeyHash.Verify(text + "more", hash).ShouldBe(length >= 72);
        KeyHash.Verify(text[..70], hash).ShouldBeFalse();
    }

    [Fact]
    public void A_character_across_the_72nd_byte_counts_with_its_bytes_before_it()
    {
        var hash = KeyHash.Create(new string('k', 70) + "😀");

        KeyHash.Verify(new string('k', 70) + "😁", hash).ShouldBeTrue();
        KeyHash.Verify(new string('k', 70) + "€", hash).ShouldBeFalse();
        KeyHash.Verify(new string('k', 70), hash).ShouldBeFalse();
    }

    [Theory]
    [InlineData("")]
    [InlineData("abc")]
    [InlineData("$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0")] // a character short
    [InlineData("$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i\n")]
    [InlineData(" $2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i")]
    [InlineData("$2a$06$If6bvum7DFjUnE9p2uDeD=0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i")] // outside the alphabet
    [InlineData("$2a$06$If6bvum7DFjUnE9p2uDeDv0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i")] // the salt's last four bits are unused, and zero
    [InlineData("$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0j")] // so are the digest's last two
    [InlineData("$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0é")]
    [InlineData("$2a$6$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i.")]
    [InlineData("$2a$-6$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0")]
    [InlineData("$2a$٠٦$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i")] // digits, but not ASCII
    public void A_malformed_hash_verifies_nothing(string hash) => KeyHash.Verify("abc", hash).ShouldBeFalse();

    [Theory]
    [InlineData("00")]
    [InlineData("03")]
    [InlineData("13")]
    [InlineData("31")]
    [InlineData("99")]
    public void A_stored_cost_out_of_bounds_is_refused_without_the_work(string cost)
    {
        var start = Stopwatch.GetTimestamp();

        KeyHash.Verify("abc", $"$2a${cost}{AbcHash[6..]}").ShouldBeFalse();

        Stopwatch.GetElapsedTime(start).ShouldBeLessThan(TimeSpan.FromSeconds(0.2));
    }
}
