package magic

import "testing"

func TestKind(t *testing.T) {
	for begin, want := range map[string]string{
		"":                                    "",
		"PK\x03\x04\x00\x00archive/data.pkl":  Zip,
		"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P": Pickle,
		"\x80\x05\x95\x1c\x00":                Pickle,
		"\x80\x02\x00\x00\x00\x00\x00\x00{":   "", // safetensors with a header of 640 bytes
		"version https://git-lfs.github.com/spec/v1\noid sha256:": LFS,
		"\n  <!doctype HTML>":              WebPage,
		"\ufeff<html lang=en>":             WebPage,
		"Hello <html>":                     "",
		"\xfd7zXZ\x00\x00\x04":             "compressed with xz",
		"\x1f\x8b\x08":                     "compressed with gzip",
		`{"net": "resnet18", "wid`:         JSON,
		"{\n  \"net\": 1":                  JSON,
		"[1]\n":                            JSON,
		"{\x00\x00\x00\x00\x00\x00\x00{\"": "", // safetensors with a header of 123 bytes
		"data_batch_1.bin\x00":             "",
	} {
		if got := Kind([]byte(begin)); got != want {
			t.Errorf("%q: %q, want %q", begin, got, want)
		}
	}
}
