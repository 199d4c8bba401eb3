namespace PyResolve.Samples.Tests;

public class DeclarationTests
{
    [Fact]
    public void A_validator_becomes_a_field_validator_and_a_class_method()
    {
        MigratedFolder.Migrate("""
            from pydantic import BaseModel, validator


            class User(BaseModel):
                name: str

                @validator("name", pre=True, allow_reuse=True)
                def strip(cls, value):
                    return value.strip()

            """).ShouldBe("""
            from pydantic import BaseModel, field_validator


            class User(BaseModel):
                name: str

                @field_validator("name", mode="before")
                @classmethod
                def strip(cls, value):
                    return value.strip()

            """);
    }

    [Fact]
    public void The_values_of_a_validator_come_from_its_info()
    {
        var migrated = MigratedFolder.Migrate("""
            from pydantic import BaseModel, validator

            class Range(BaseModel):
                low: int
                high: int

                @validator("high")
                @classmethod
                def order(cls, high, values):
                    return check(high, values=values, low=values.get("low"))

            """);

        migrated.ShouldContain("from pydantic import BaseModel, ValidationInfo, field_validator");
        migrated.ShouldContain("def order(cls, high, info: ValidationInfo):");
        migrated.ShouldContain("return check(high, values=info.data, low=info.data.get(\"low\"))");
        migrated.Split("@classmethod").Length.ShouldBe(2);
    }

    [Fact]
    public void A_root_validator_after_the_fields_reads_them_from_the_model()
    {
        MigratedFolder.Migrate("""
            from pydantic import BaseModel, root_validator

            class Range(BaseModel):
                low: int
                high: int

                @root_validator
                def order(cls, values):
                    if values["low"] > values.get("high"):
                        raise ValueError("order")
                    return values

            """).ShouldBe("""
            from pydantic import BaseModel, model_validator

            class Range(BaseModel):
                low: int
                high: int

                @model_validator(mode="after")
                def order(self):
                    if self.low > self.high:
                        raise ValueError("order")
                    return self

            """);
    }

    [Theory]
    [InlineData("@validator(\"a\", each_item=True)\n    def v(cls, x):\n        return x", "each_item= has no counterpart")]
    [InlineData("@validator(\"a\", always=True)\n    def v(cls, x):\n        return x", "always= has no counterpart")]
    [InlineData("@validator(\"a\")\n    def v(cls, x, values, config):\n        return x", "more than (cls, value, values)")]
    [InlineData("@root_validator\n    def v(cls, values):\n        values[\"a\"] = 1\n        return values", "more with its values")]
    [InlineData("@root_validator\n    def v(cls, values):\n        return cls.mend(values)", "more with its values")]
    [InlineData("class Config:\n        json_loads = f", "json_loads has no counterpart")]
    [InlineData("class Config(Base):\n        orm_mode = True", "base class")]
    [InlineData("class Config:\n        def f(self):\n            pass", "more than plain options")]
    public void Code_without_an_equivalent_in_pydantic_2_is_left_alone_and_reported(string member, string reason)
    {
        var code = $"from pydantic import BaseModel, root_validator, validator\n\nclass A(BaseModel):\n    a: int\n\n    {member}\n";
        using var folder = new MigratedFolder().With("app.py", code);

        folder.Run().Output.ShouldContain($"app.py:6: left alone");
        folder.Output.ShouldContain(reason);
        folder.Read().ShouldContain(member);
    }

    [Fact]
    public void A_config_class_becomes_a_dictionary_with_the_new_names_and_its_comments()
    {
        MigratedFolder.Migrate("""
            from pydantic import BaseModel, Extra

            class A(BaseModel):
                class Config:
                    # why
                    orm_mode = True  # rows
                    allow_population_by_field_name = True
                    allow_mutation = False
                    extra = Extra.forbid

                a: int

            """).ShouldBe("""
            from pydantic import BaseModel, ConfigDict

            class A(BaseModel):
                model_config = ConfigDict(
                    # why
                    from_attributes=True,  # rows
                    populate_by_name=True,
                    frozen=True,
                    extra="forbid",
                )

                a: int

            """);
    }

    [Fact]
    public void Settings_come_from_their_own_package()
    {
        MigratedFolder.Migrate("""
            from pydantic import BaseModel, BaseSettings

            class Mail(BaseSettings):
                host: str

                class Config:
                    env_prefix = "MAIL_"

            class A(BaseModel):
                pass

            """).ShouldBe("""
            from pydantic import BaseModel
            from pydantic_settings import BaseSettings, SettingsConfigDict

            class Mail(BaseSettings):
                host: str

                model_config = SettingsConfigDict(env_prefix="MAIL_")

            class A(BaseModel):
                pass

            """);
    }

    [Theory]
    [InlineData("a: Optional[int]", "a: Optional[int] = None")]
    [InlineData("a: int | None  # maybe", "a: int | None = None  # maybe")]
    [InlineData("a: Optional[int] = 3", "a: Optional[int] = 3")]
    [InlineData("a: str = Field(..., regex='x', min_length=1)", "a: str = Field(..., pattern='x', min_length=1)")]
    [InlineData("a: list = Field([], max_items=3)", "a: list = Field([], max_length=3)")]
    public void Fields_keep_their_meaning(string before, string after)
    {
        const string Head = "from pydantic import BaseModel, Field\nfrom typing import Optional\n\nclass A(BaseModel):\n    ";

        MigratedFolder.Migrate($"{Head}{before}\n").ShouldBe($"{Head}{after}\n");
    }

    [Fact]
    public void Code_without_pydantic_is_left_alone()
    {
        const string Code = "from typing import Optional\n\nclass A:\n    a: Optional[int]\n\n    class Config:\n        orm_mode = True\n\n    @validator('a')\n    def v(cls, x): return x\n";

        MigratedFolder.Migrate(Code).ShouldBe(Code);
    }
}
