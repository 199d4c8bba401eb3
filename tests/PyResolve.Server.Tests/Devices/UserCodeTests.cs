using PyResolve.Server.Devices;

namespace PyResolve.Server.Tests.Devices;

public sealed class UserCodeTests
{
    [Fact]
    public void A_code_is_read_back_as_it_was_shown()
    {
        for (var i = 0; i < 1000; i++)
        {
            var code = UserCode.Create();
            UserCode.Parse(UserCode.Show(code)).ShouldBe(code);
        }
    }

    [Theory]
    [InlineData("bcdfghjk")]
    [InlineData("BCDF GHJK")]
    [InlineData("bcdf—ghjk")]
    [InlineData("\tB-C-D-F-G-H-J-K\n")]
    public void Case_dashes_and_spaces_do_not_matter(string typed) => UserCode.Parse(typed).ShouldBe("BCDFGHJK");

    [Theory]
    [InlineData("")]
    [InlineData("BCDF-GHJ")]
    [InlineData("BCDF-GHJKL")]
    [InlineData("ABCD-FGHJ")]
    [InlineData("BCDF_GHJK")]
    [InlineData("1234-5678")]
    [InlineData("ВCDF-GHJK")] // The first letter is Cyrillic.
    public void Text_that_cannot_be_a_code_is_refused(string typed) => UserCode.Parse(typed).ShouldBeNull();
}
